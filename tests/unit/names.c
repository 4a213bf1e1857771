/* Names that say how long they take to look up, and what they mean: "after20ms.127.0.0.2". They
 * stand in for a name server. */
#include "../e2e/peers/lookup.c"
