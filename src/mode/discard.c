/* discard: RFC 863. Bytes that no handler takes are dropped. */
#include "mode/mode.h"

const struct mode mode_discard = {
	.name = "discard",
	.summary = "read and drop whatever comes",
};
