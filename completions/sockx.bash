# bash completion for sockx, written by 'make docs' from the option table: change that.
# shellcheck shell=bash

_sockx_reply() {
	mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
}

_sockx_sockets() {
	local found=() path

	compopt -o filenames
	_sockx_reply -f
	for path in "${COMPREPLY[@]}"; do
		[[ ! -S ${path/#'~'/$HOME} && ! -d ${path/#'~'/$HOME} ]] || found+=("$path")
	done
	COMPREPLY=("${found[@]}")
}

_sockx_address() {
	if [[ $before == unix || $before == unix-datagram || $before == unix-seqpacket ]]; then
		_sockx_sockets
	else
		_sockx_reply -A hostname -W 'localhost unix: unix-datagram: unix-seqpacket: tcp:// tls:// udp://'
		[[ ${COMPREPLY[0]} != *[:/] ]] || compopt -o nospace
	fi
}

_sockx_program() {
	if ((only_words == COMP_CWORD - 1)); then
		_sockx_reply -A command
	else
		compopt -o filenames
		_sockx_reply -f
	fi
}

_sockx_serve() {
	if [[ -n $only_words ]]; then
		_sockx_program
		return
	fi
	case $before in
		-H | --host) _sockx_reply -A hostname; return ;;
		-p | --port) _sockx_reply -A service; return ;;
		-U | --unix) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-cert) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key-password) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-ca) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-alpn) return ;;
		--tls-keep) compopt -o filenames; _sockx_reply -f; return ;;
		--ttl) return ;;
		--dscp) return ;;
		--rcvbuf) return ;;
		--sndbuf) return ;;
		--keepalive) return ;;
		--interface) return ;;
		-m | --mode) _sockx_reply -W 'pipe echo greet chat analyze discard source exec relay broker collect'; return ;;
		--exit-after) return ;;
		--max-conns) return ;;
		--max-conns-per-peer) return ;;
		--max-memory) return ;;
		-b | --backlog) return ;;
		--unix-mode) return ;;
		--ready) compopt -o filenames; _sockx_reply -f; return ;;
		--log) compopt -o filenames; _sockx_reply -f; return ;;
		-i | --idle-timeout) return ;;
		--max-time) return ;;
		--to) _sockx_reply -A hostname; return ;;
		--to-source) return ;;
		--to-tls-ca) compopt -o filenames; _sockx_reply -f; return ;;
		--to-tls-name) _sockx_reply -A hostname; return ;;
		--to-tls-pin) return ;;
		-w | --connect-timeout) return ;;
		--request-timeout) return ;;
		--eol) _sockx_reply -W 'lf crlf none'; return ;;
		--settle) return ;;
		-q | --quit-after) return ;;
		--shutdown) _sockx_reply -W 'now quiet never'; return ;;
		--delay) return ;;
		--rate) return ;;
		--expect) return ;;
		--messages) return ;;
		--greeting) return ;;
		--bye) return ;;
		--max-message) return ;;
		--slow) _sockx_reply -W 'close drop'; return ;;
		--pcap) compopt -o filenames; _sockx_reply -f; return ;;
		--color) _sockx_reply -W 'auto always never'; return ;;
		*) ;;
	esac
	case $assigned in
		--progress) return ;;
		--trace) _sockx_reply -W 'text json mermaid'; return ;;
		--hexdump) compopt -o filenames; _sockx_reply -f; return ;;
		*) ;;
	esac
	if [[ $current == -* && -z $only_words ]]; then
		_sockx_reply -W ' -H --host -p --port -4 -6 -n --numeric -t --tcp --tls -u --udp -U --unix --seqpacket --tls-cert --tls-key --tls-key-password --tls-ca --tls-alpn --tls-keep --ttl --dscp --rcvbuf --sndbuf --keepalive --interface -m --mode -k --keep-open -1 --once --exit-after --max-conns --max-conns-per-peer --max-memory -b --backlog --unix-mode --ready --background --log -i --idle-timeout --max-time --to --to-source --to-tls-ca --to-tls-name --to-tls-pin --to-tls-no-verify -w --connect-timeout --request-timeout --eol -C --crlf --raw --settle --no-splice -q --quit-after --shutdown -N --no-shutdown --send-only --recv-only --delay --rate --quit-with-peer --expect --messages --follow --greeting --ask --bye --turns --exact --max-message --pass-socket --slow --prefix -v --verbose -Q --quiet -j --json --progress --trace --explain --pcap --color -h --help --version -x --hexdump'
		return
	fi
	_sockx_address
}

_sockx_connect() {
	if [[ -n $only_words ]]; then
		_sockx_program
		return
	fi
	case $before in
		-m | --mode) _sockx_reply -W 'pipe chat exec relay'; return ;;
		--max-answer) return ;;
		--probe) return ;;
		-H | --host) _sockx_reply -A hostname; return ;;
		-p | --port) _sockx_reply -A service; return ;;
		-s | --source) return ;;
		-U | --unix) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-cert) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key-password) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-ca) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-alpn) return ;;
		--tls-name) _sockx_reply -A hostname; return ;;
		--tls-pin) return ;;
		--ttl) return ;;
		--dscp) return ;;
		--rcvbuf) return ;;
		--sndbuf) return ;;
		--keepalive) return ;;
		--interface) return ;;
		-w | --connect-timeout) return ;;
		-r | --retry) return ;;
		--retry-for) return ;;
		-i | --idle-timeout) return ;;
		--max-time) return ;;
		--pcap) compopt -o filenames; _sockx_reply -f; return ;;
		--color) _sockx_reply -W 'auto always never'; return ;;
		--to) _sockx_reply -A hostname; return ;;
		--to-source) return ;;
		--to-tls-ca) compopt -o filenames; _sockx_reply -f; return ;;
		--to-tls-name) _sockx_reply -A hostname; return ;;
		--to-tls-pin) return ;;
		--eol) _sockx_reply -W 'lf crlf none'; return ;;
		--settle) return ;;
		-q | --quit-after) return ;;
		--shutdown) _sockx_reply -W 'now quiet never'; return ;;
		--delay) return ;;
		--rate) return ;;
		--expect) return ;;
		--messages) return ;;
		--bye) return ;;
		*) ;;
	esac
	case $assigned in
		--progress) return ;;
		--trace) _sockx_reply -W 'text json mermaid'; return ;;
		--hexdump) compopt -o filenames; _sockx_reply -f; return ;;
		*) ;;
	esac
	if [[ $current == -* && -z $only_words ]]; then
		_sockx_reply -W ' -m --mode --max-answer -z --zero --probe -H --host -p --port -s --source -4 -6 -n --numeric -t --tcp --tls -u --udp -U --unix --seqpacket --tls-cert --tls-key --tls-key-password --tls-ca --tls-alpn --tls-name --tls-pin --tls-no-verify --ttl --dscp --rcvbuf --sndbuf --keepalive --interface -w --connect-timeout -r --retry --retry-for -i --idle-timeout --max-time -v --verbose -Q --quiet -j --json --progress --trace --explain --pcap --color -h --help --version -x --hexdump --to --to-source --to-tls-ca --to-tls-name --to-tls-pin --to-tls-no-verify --eol -C --crlf --raw --settle --no-splice -q --quit-after --shutdown -N --no-shutdown --send-only --recv-only --delay --rate --quit-with-peer --expect --messages --follow --bye --turns --pass-socket'
		return
	fi
	_sockx_address
}

_sockx_echo() {
	case $before in
		-H | --host) _sockx_reply -A hostname; return ;;
		-p | --port) _sockx_reply -A service; return ;;
		-s | --source) return ;;
		-U | --unix) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-cert) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key-password) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-ca) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-alpn) return ;;
		--tls-name) _sockx_reply -A hostname; return ;;
		--tls-pin) return ;;
		--ttl) return ;;
		--dscp) return ;;
		--rcvbuf) return ;;
		--sndbuf) return ;;
		--keepalive) return ;;
		--interface) return ;;
		-w | --connect-timeout) return ;;
		-r | --retry) return ;;
		--retry-for) return ;;
		-i | --idle-timeout) return ;;
		--max-time) return ;;
		--pcap) compopt -o filenames; _sockx_reply -f; return ;;
		--color) _sockx_reply -W 'auto always never'; return ;;
		--count) return ;;
		--interval) return ;;
		--connections) return ;;
		--duration) return ;;
		--window) return ;;
		--size) return ;;
		--settle) return ;;
		*) ;;
	esac
	case $assigned in
		--progress) return ;;
		--trace) _sockx_reply -W 'text json mermaid'; return ;;
		--hexdump) compopt -o filenames; _sockx_reply -f; return ;;
		*) ;;
	esac
	if [[ $current == -* && -z $only_words ]]; then
		_sockx_reply -W ' -H --host -p --port -s --source -4 -6 -n --numeric -t --tcp --tls -u --udp -U --unix --seqpacket --tls-cert --tls-key --tls-key-password --tls-ca --tls-alpn --tls-name --tls-pin --tls-no-verify --ttl --dscp --rcvbuf --sndbuf --keepalive --interface -w --connect-timeout -r --retry --retry-for -i --idle-timeout --max-time -v --verbose -Q --quiet -j --json --progress --trace --explain --pcap --color -h --help --version -x --hexdump --count --interval --connections --duration --window --size --settle --raw'
		return
	fi
}

_sockx_greet() {
	case $before in
		-H | --host) _sockx_reply -A hostname; return ;;
		-p | --port) _sockx_reply -A service; return ;;
		-s | --source) return ;;
		-U | --unix) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-cert) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key-password) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-ca) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-alpn) return ;;
		--tls-name) _sockx_reply -A hostname; return ;;
		--tls-pin) return ;;
		--ttl) return ;;
		--dscp) return ;;
		--rcvbuf) return ;;
		--sndbuf) return ;;
		--keepalive) return ;;
		--interface) return ;;
		-w | --connect-timeout) return ;;
		-r | --retry) return ;;
		--retry-for) return ;;
		-i | --idle-timeout) return ;;
		--max-time) return ;;
		--pcap) compopt -o filenames; _sockx_reply -f; return ;;
		--color) _sockx_reply -W 'auto always never'; return ;;
		--max-answer) return ;;
		*) ;;
	esac
	case $assigned in
		--progress) return ;;
		--trace) _sockx_reply -W 'text json mermaid'; return ;;
		--hexdump) compopt -o filenames; _sockx_reply -f; return ;;
		*) ;;
	esac
	if [[ $current == -* && -z $only_words ]]; then
		_sockx_reply -W ' -H --host -p --port -s --source -4 -6 -n --numeric -t --tcp --tls -u --udp -U --unix --seqpacket --tls-cert --tls-key --tls-key-password --tls-ca --tls-alpn --tls-name --tls-pin --tls-no-verify --ttl --dscp --rcvbuf --sndbuf --keepalive --interface -w --connect-timeout -r --retry --retry-for -i --idle-timeout --max-time -v --verbose -Q --quiet -j --json --progress --trace --explain --pcap --color -h --help --version -x --hexdump --max-answer --raw'
		return
	fi
}

_sockx_analyze() {
	case $before in
		-H | --host) _sockx_reply -A hostname; return ;;
		-p | --port) _sockx_reply -A service; return ;;
		-s | --source) return ;;
		-U | --unix) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-cert) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-key-password) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-ca) compopt -o filenames; _sockx_reply -f; return ;;
		--tls-alpn) return ;;
		--tls-name) _sockx_reply -A hostname; return ;;
		--tls-pin) return ;;
		--ttl) return ;;
		--dscp) return ;;
		--rcvbuf) return ;;
		--sndbuf) return ;;
		--keepalive) return ;;
		--interface) return ;;
		-w | --connect-timeout) return ;;
		-r | --retry) return ;;
		--retry-for) return ;;
		-i | --idle-timeout) return ;;
		--max-time) return ;;
		--pcap) compopt -o filenames; _sockx_reply -f; return ;;
		--color) _sockx_reply -W 'auto always never'; return ;;
		--top) return ;;
		--sort) _sockx_reply -W 'first count alpha'; return ;;
		--max-answer) return ;;
		*) ;;
	esac
	case $assigned in
		--progress) return ;;
		--trace) _sockx_reply -W 'text json mermaid'; return ;;
		--hexdump) compopt -o filenames; _sockx_reply -f; return ;;
		*) ;;
	esac
	if [[ $current == -* && -z $only_words ]]; then
		_sockx_reply -W ' -H --host -p --port -s --source -4 -6 -n --numeric -t --tcp --tls -u --udp -U --unix --seqpacket --tls-cert --tls-key --tls-key-password --tls-ca --tls-alpn --tls-name --tls-pin --tls-no-verify --ttl --dscp --rcvbuf --sndbuf --keepalive --interface -w --connect-timeout -r --retry --retry-for -i --idle-timeout --max-time -v --verbose -Q --quiet -j --json --progress --trace --explain --pcap --color -h --help --version -x --hexdump --top --sort --max-answer --raw'
		return
	fi
}

_sockx_help() {
	case $before in
		--pcap) compopt -o filenames; _sockx_reply -f; return ;;
		--color) _sockx_reply -W 'auto always never'; return ;;
		*) ;;
	esac
	case $assigned in
		--progress) return ;;
		--trace) _sockx_reply -W 'text json mermaid'; return ;;
		*) ;;
	esac
	if [[ $current == -* && -z $only_words ]]; then
		_sockx_reply -W ' -v --verbose -Q --quiet -j --json --progress --trace --explain --pcap --color -h --help --version'
		return
	fi
	_sockx_reply -W 'serve connect echo greet analyze help addresses tls exit-codes diagnostics coming-from-nc json lab'
}

_sockx() {
	local commands='serve connect echo greet analyze help'
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local assigned='' only_words='' i

	COMPREPLY=()
	if [[ $current == '=' || $current == ':' ]]; then
		[[ $current == ':' ]] || assigned=$before
		current=''
	elif [[ $before == '=' || $before == ':' ]]; then
		[[ $before == ':' ]] || assigned=${COMP_WORDS[COMP_CWORD - 2]}
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if ((COMP_CWORD == 1)); then
		_sockx_reply -W "$commands -h --help --version"
		return
	fi
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			only_words=${only_words:-$i} before=''
		fi
	done
	case ${COMP_WORDS[1]} in
		serve) _sockx_serve ;;
		connect) _sockx_connect ;;
		echo) _sockx_echo ;;
		greet) _sockx_greet ;;
		analyze) _sockx_analyze ;;
		help) _sockx_help ;;
		*) ;;
	esac
}

complete -F _sockx sockx
