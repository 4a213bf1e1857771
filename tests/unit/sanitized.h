#ifndef UNIT_SANITIZED_H
#define UNIT_SANITIZED_H

/* Whether the tests were built with AddressSanitizer, or ThreadSanitizer: 1 or 0, as gcc and clang
 * say it. */
#if defined(__has_feature)
#define SANITIZED_MEMORY  __has_feature(address_sanitizer)
#define SANITIZED_THREADS __has_feature(thread_sanitizer)
#else
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED_MEMORY 1
#else
#define SANITIZED_MEMORY 0
#endif
#ifdef __SANITIZE_THREAD__
#define SANITIZED_THREADS 1
#else
#define SANITIZED_THREADS 0
#endif
#endif

/* Of many lengths or random rounds, one in so many is tried where memory is watched, which makes
 * each of them several times as slow: the plain build tries all. A prime, not 2 or 7: lengths keep
 * no remainder. */
enum { SANITIZED_STEP = SANITIZED_MEMORY ? 11 : 1 };

#endif
