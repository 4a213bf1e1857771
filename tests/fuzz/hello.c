/* The first messages of TLS: a name lies within what was read, and what is cut short is refused. */
#include "fuzz.h"

#include "transport/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = exact_copy((struct span){data, size});
	const struct span in = {copy, size};
	struct tls_hello h, cut;

	if (tls_hello_read(in, &h) == 0) {
		const size_t len = 4 + ((size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3]);

		HOLDS(h.version_count <= TLS_HELLO_VERSIONS_MAX);
		HOLDS(len <= size);
		HOLDS(!h.name.len ||
			(h.name.data >= copy && h.name.data + h.name.len <= copy + len));
		HOLDS(tls_hello_read((struct span){copy, len - 1}, &cut) < 0);
		HOLDS(tls_hello_read((struct span){copy, len}, &cut) == 0);
	}
	free(copy);
	return 0;
}
