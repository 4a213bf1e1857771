#ifndef SOCKX_BASE_LIST_H
#define SOCKX_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A doubly linked ring through its members; the head is a node that is no member. */
struct list {
	struct list *next, *prev;
};

/* The object of the given type whose member is at ptr. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Add node as the last member of head. */
static inline void list_push(struct list *head, struct list *node)
{
	node->next = head;
	node->prev = head->prev;
	head->prev->next = node;
	head->prev = node;
}

/* Take node out of whatever ring it is in; it may be taken out again without harm. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif
