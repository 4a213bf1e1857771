/* How fast the words of a text are counted: our engine against a program of a few lines that asks
 * libunistring for all of it, over the same texts, in turn, by processor time; medians of rounds,
 * in MB/s, and ours as a multiple of the other. The texts are made, the same each time: English of
 * 50,000 words whose frequencies follow Zipf's law, and other scripts likewise.
 *
 *     words [QUICK] [FILE]...      files are measured as well; QUICK: small texts, one round */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwbrk.h>

#include "analysis/analysis.h"

enum { ROUNDS = 5, VOCABULARY_MAX = 50000, WORD_BYTES = 64, FED_BYTES = 65536 };

struct result {
	uint64_t words, unique;
};

static void need(bool had)
{
	if (had)
		return;
	fprintf(stderr, "words: no memory\n");
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- ours ---- */

static struct result count_ours(struct span text)
{
	struct hash_key key = {{1, 2}};
	struct counts counts;
	struct analysis a;

	analysis_init(&a, &key, false);
	for (size_t n; text.len > 0; text = span_from(text, n)) {
		n = text.len < FED_BYTES ? text.len : FED_BYTES;
		need(analysis_add(&a, (struct span){text.data, n}) == 0);
	}
	need(analysis_end(&a) == 0);
	counts = analysis_counts(&a);
	analysis_free(&a);
	return (struct result){counts.words, counts.unique};
}

/* ---- the other ---- */

struct slot {
	uint8_t *key;
	size_t len;
	uint64_t count;
};

struct table {
	struct slot *slots;
	size_t size, used;
};

static uint64_t fnv(const uint8_t *key, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ key[i]) * 0x100000001b3;
	return hash;
}

static struct slot *slot_of(struct table *t, const uint8_t *key, size_t len)
{
	size_t at = fnv(key, len) & (t->size - 1);

	while (t->slots[at].key &&
		(t->slots[at].len != len || memcmp(t->slots[at].key, key, len) != 0))
		at = (at + 1) & (t->size - 1);
	return &t->slots[at];
}

static void grow(struct table *t)
{
	struct table grown = {calloc(t->size * 2, sizeof(struct slot)), t->size * 2, t->used};

	need(grown.slots != NULL);
	for (size_t i = 0; i < t->size; i++)
		if (t->slots[i].key)
			*slot_of(&grown, t->slots[i].key, t->slots[i].len) = t->slots[i];
	free(t->slots);
	*t = grown;
}

static bool is_word(const uint8_t *text, size_t len)
{
	ucs4_t code;

	for (size_t at = 0; at < len;) {
		at += (size_t)u8_mbtouc(&code, text + at, len - at);
		if (uc_is_general_category_withtable(code, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N))
			return true;
	}
	return false;
}

static void count_word(struct table *t, const uint8_t *text, size_t len)
{
	size_t folded_len = 0;
	uint8_t *folded = u8_casefold(text, len, NULL, UNINORM_NFC, NULL, &folded_len);
	struct slot *slot;

	need(folded != NULL);
	slot = slot_of(t, folded, folded_len);
	if (slot->count++ > 0) {
		free(folded);
		return;
	}
	slot->key = folded;
	slot->len = folded_len;
	if (++t->used * 2 > t->size)
		grow(t);
}

static struct result count_naively(struct span text)
{
	struct table t = {calloc(1024, sizeof(struct slot)), 1024, 0};
	char *breaks = malloc(text.len + 1);
	struct result result = {0, 0};

	need(t.slots && breaks);
	u8_wordbreaks(text.data, text.len, breaks);
	breaks[text.len] = 1;
	for (size_t start = 0, end; start < text.len; start = end) {
		for (end = start + 1; !breaks[end];)
			end++;
		if (!is_word(text.data + start, end - start))
			continue;
		count_word(&t, text.data + start, end - start);
		result.words++;
	}
	result.unique = t.used;
	for (size_t i = 0; i < t.size; i++)
		free(t.slots[i].key);
	free(t.slots);
	free(breaks);
	return result;
}

/* ---- texts ---- */

struct text {
	uint8_t *bytes;
	size_t len;
};

/* Letters in ranges, capitals before them if there are any, and how many letters a word has. */
struct script {
	const char *name;
	struct {
		uint32_t from, to;
	} letters[3];
	uint32_t capitals; /* so much below their letters; 0: none */
	unsigned length, vocabulary;
	const char *space; /* between words */
};

static const struct script scripts[] = {
	{"English", {{'a', 'z'}}, 32, 4, VOCABULARY_MAX, " "},
	{"Latin", {{'a', 'z'}, {'a', 'z'}, {0xe0, 0xf6}}, 32, 5, 20000, " "},
	{"Greek", {{0x3b1, 0x3c9}, {0x3b1, 0x3c9}, {0x3ac, 0x3af}}, 32, 5, 20000, " "},
	{"Cyrillic", {{0x430, 0x44f}}, 32, 5, 20000, " "},
	{"Arabic", {{0x627, 0x63a}, {0x641, 0x64a}}, 0, 4, 20000, " "},
	{"Hebrew", {{0x5d0, 0x5ea}}, 0, 4, 20000, " "},
	{"Devanagari", {{0x915, 0x939}, {0x93e, 0x94c}}, 0, 5, 20000, " "},
	{"Thai", {{0xe01, 0xe2e}, {0xe30, 0xe3a}, {0xe40, 0xe4c}}, 0, 5, 20000, ""},
	{"Han", {{0x4e00, 0x5dff}}, 0, 2, 20000, ""},
	{"Kana", {{0x3041, 0x3093}, {0x30a1, 0x30f3}}, 0, 4, 20000, ""},
	{"Hangul", {{0xac00, 0xd7a3}}, 0, 3, 20000, " "},
};

enum { SCRIPTS = sizeof(scripts) / sizeof(scripts[0]) };

static uint64_t random_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x >> 16;
}

/* Letters come as often as they may: those at a range's beginning more than others. */
static uint32_t random_letter(const struct script *s, uint64_t *x)
{
	unsigned ranges = s->letters[1].from ? s->letters[2].from ? 3 : 2 : 1;
	unsigned range = (unsigned)(random_next(x) % ranges);
	uint64_t count = s->letters[range].to - s->letters[range].from + 1;
	uint64_t one = random_next(x) % count, other = random_next(x) % count;

	return s->letters[range].from + (uint32_t)(one < other ? one : other);
}

struct vocabulary {
	struct {
		uint8_t text[WORD_BYTES];
		uint8_t len, first; /* bytes of the first letter */
	} words[VOCABULARY_MAX];
	double sums[VOCABULARY_MAX]; /* of the frequencies up to each */
};

/* Frequent words are short. */
static void make_vocabulary(const struct script *s, struct vocabulary *v, uint64_t *x)
{
	double sum = 0;

	for (unsigned i = 0; i < s->vocabulary; i++) {
		unsigned letters = 1 + (unsigned)(random_next(x) % s->length) +
		                   (i > 30) * (s->length / 2) + (i > 1000);
		size_t len = 0;

		for (unsigned n = 0; n < letters && len + 4 < WORD_BYTES; n++) {
			len += (size_t)u8_uctomb(v->words[i].text + len, random_letter(s, x),
				(ptrdiff_t)(WORD_BYTES - len));
			v->words[i].first = n == 0 ? (uint8_t)len : v->words[i].first;
		}
		v->words[i].len = (uint8_t)len;
		sum += 1 / (i + 2.7);
		v->sums[i] = sum;
	}
}

static unsigned pick(const struct script *s, const struct vocabulary *v, uint64_t *x)
{
	double at = (double)(random_next(x) % 1000000007) / 1000000007 * v->sums[s->vocabulary - 1];
	unsigned low = 0, high = s->vocabulary - 1;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (v->sums[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first letter of a sentence is a capital. */
static size_t put_capital(const struct script *s, const uint8_t *word, size_t first, uint8_t *out)
{
	ucs4_t code;

	u8_mbtouc(&code, word, first);
	if (s->capitals && code >= s->letters[0].from && code <= s->letters[0].to)
		code -= s->capitals;
	return (size_t)u8_uctomb(out, code, 4);
}

static size_t put_between(const struct script *s, uint64_t *x, size_t *column, uint8_t *out)
{
	uint64_t r = random_next(x) % 100;
	const char *text = r < 1 ? "'s " : r < 8 ? ". " : r < 13 ? ", " : s->space;
	size_t len = strlen(text);

	memcpy(out, text, len);
	if (len > 0 && *column > 72) {
		out[len - 1] = '\n';
		*column = 0;
	}
	return len;
}

static struct text make_text(const struct script *s, size_t bytes)
{
	struct vocabulary *v = malloc(sizeof(*v));
	uint8_t *text = malloc(bytes + WORD_BYTES + 8);
	uint64_t x = 0x9e3779b97f4a7c15;
	size_t len = 0, column = 0;
	bool begins = true;

	need(v && text);
	make_vocabulary(s, v, &x);
	while (len < bytes) {
		unsigned i = pick(s, v, &x);
		size_t before = len, first = v->words[i].first;

		if (begins)
			len += put_capital(s, v->words[i].text, first, text + len);
		else
			first = 0;
		memcpy(text + len, v->words[i].text + first, v->words[i].len - first);
		len += v->words[i].len - first;
		column += len - before;
		before = len;
		len += put_between(s, &x, &column, text + len);
		begins = len > before && text[before] == '.';
	}
	free(v);
	return (struct text){text, len};
}

static struct text read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	uint8_t *text;
	long size;

	if (!f || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(f);
	text = malloc((size_t)size + 1);
	need(text != NULL);
	size = (long)fread(text, 1, (size_t)size, f);
	fclose(f);
	return (struct text){text, (size_t)size};
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

static double median(double *of, size_t count)
{
	qsort(of, count, sizeof(*of), by_size);
	return of[count / 2];
}

static double timed(struct result (*count)(struct span), struct span text, struct result *out)
{
	double began = now_s();

	*out = count(text);
	return (double)text.len / 1e6 / (now_s() - began);
}

/* Returns 1 if the two disagree: only ours tells an invalid byte from a letter. */
static int compare(const char *name, struct text made, size_t rounds)
{
	struct span text = {made.bytes, made.len};
	double ours[ROUNDS], naive[ROUNDS];
	struct result one, other;
	int differ = 0;

	for (size_t i = 0; i < rounds; i++) {
		ours[i] = timed(count_ours, text, &one);
		naive[i] = timed(count_naively, text, &other);
		differ |= one.words != other.words || one.unique != other.unique;
	}
	printf("%-12s MB=%.1f words=%llu unique=%llu MB_per_s=%.1f naive_MB_per_s=%.1f "
	       "ratio=%.1f%s\n",
		name, (double)text.len / 1e6, (unsigned long long)one.words,
		(unsigned long long)one.unique, median(ours, rounds), median(naive, rounds),
		median(ours, rounds) / median(naive, rounds), differ ? " DIFFER" : "");
	fflush(stdout);
	free(made.bytes);
	return differ;
}

/* The longest time that others wait while a table grows to so many words: of one piece fed. */
static void measure_growing(uint64_t words)
{
	struct hash_key key = {{1, 2}};
	uint8_t *text = malloc(FED_BYTES + 32);
	double worst = 0, began = now_s(), start;
	struct analysis a;
	uint64_t n = 0;

	need(text != NULL);
	analysis_init(&a, &key, false);
	while (n < words) {
		size_t len = 0;

		while (len < FED_BYTES)
			len += (size_t)sprintf(
				(char *)text + len, "%llx ", (unsigned long long)n++);
		start = now_s();
		need(analysis_add(&a, (struct span){text, len}) == 0);
		worst = now_s() - start > worst ? now_s() - start : worst;
	}
	printf("growing      words=%llu seconds=%.2f worst_ms_per_64KiB=%.2f",
		(unsigned long long)n, now_s() - began, worst * 1e3);
	worst = 0;
	do {
		start = now_s();
		words = analysis_free_some(&a);
		worst = now_s() - start > worst ? now_s() - start : worst;
	} while (words);
	printf(" worst_free_ms=%.2f\n", worst * 1e3);
	free(text);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "QUICK") == 0;
	size_t rounds = quick ? 1 : ROUNDS;
	int differ = 0;

	for (size_t i = 0; i < SCRIPTS; i++)
		differ |= compare(scripts[i].name,
			make_text(&scripts[i], quick    ? 1000000
					       : i == 0 ? 25000000
							: 5000000),
			rounds);
	for (int i = quick ? 2 : 1; i < argc; i++)
		compare(argv[i], read_file(argv[i]), rounds);
	measure_growing(quick ? 200000 : 5000000);
	return differ;
}
