#include <signal.h>

#include "check.h"
#include "house.h"
#include "net.h"
#include "os/inquiry.h"

TestSuite(inquiry, .timeout = 20);

static void on_asked(void *arg)
{
	unsigned *times = arg;

	++*times;
}

Test(inquiry, sigusr1_asks_from_the_loop_and_ends_nothing)
{
	unsigned times = 0, descriptors = open_descriptors();
	struct inquiry q = {.asked = on_asked, .arg = &times};
	struct loop loop;

	begin_loop(&loop);
	inquiry_open(&q, &loop);
	raise(SIGUSR1);
	cr_assert(eq(uint, times, 0));
	turn_for_ms(&loop, 0);
	cr_assert(eq(uint, times, 1));
	turn_for_ms(&loop, 0);
	cr_assert(eq(uint, times, 1));
	raise(SIGUSR1);
	turn_for_ms(&loop, 0);
	cr_assert(eq(uint, times, 2));
	inquiry_close(&q);
	inquiry_close(&q);
	raise(SIGUSR1); /* at the very end it does not kill, either */
	end_loop(&loop);
	cr_assert(eq(uint, open_descriptors(), descriptors));
}

Test(inquiry, one_that_our_parent_ignores_stays_ignored)
{
	unsigned times = 0;
	struct inquiry q = {.asked = on_asked, .arg = &times};
	struct loop loop;

	begin_loop(&loop);
	signal(SIGUSR1, SIG_IGN);
	inquiry_open(&q, &loop);
	raise(SIGUSR1);
	turn_for_ms(&loop, 0);
	cr_assert(eq(uint, times, 0));
	inquiry_close(&q);
	end_loop(&loop);
}
