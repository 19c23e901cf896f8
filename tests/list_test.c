/* SPDX-License-Identifier: MIT */
/* Tests lib/list.h: the objects that a list visits, in both directions, after each change. */
#include "lib/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct item {
    char name;
    struct list link;
};

/* Asserts that the list holds the items named in `names`, and that every link has its opposite. */
static void assert_holds(struct list *head, const char *names)
{
    size_t count = 0;
    list_for_each (link, head) {
        assert_true(count < strlen(names));
        assert_int_equal(container_of(link, struct item, link)->name, names[count]);
        assert_ptr_equal(link->next->prev, link);
        assert_ptr_equal(link->prev->next, link);
        count++;
    }
    assert_int_equal(count, strlen(names));
    assert_int_equal(list_is_empty(head), count == 0);
    assert_ptr_equal(head->next->prev, head);
    assert_ptr_equal(head->prev->next, head);
}

static void a_new_list_is_empty(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    assert_holds(&head, "");
}

static void push_front_and_push_back_keep_their_order(void **state)
{
    (void)state;
    struct item items[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    struct list head;
    list_init(&head);
    list_push_back(&head, &items[1].link);
    assert_holds(&head, "b");
    list_push_back(&head, &items[2].link);
    assert_holds(&head, "bc");
    list_push_front(&head, &items[0].link);
    assert_holds(&head, "abc");
    list_push_back(&head, &items[3].link);
    assert_holds(&head, "abcd");
}

static void insert_between_puts_a_link_in_the_middle(void **state)
{
    (void)state;
    struct item items[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
    struct list head;
    list_init(&head);
    list_push_back(&head, &items[0].link);
    list_push_back(&head, &items[2].link);
    list_insert_between(&items[1].link, &items[0].link, &items[2].link);
    assert_holds(&head, "abc");
}

static void remove_takes_out_first_middle_last_and_only(void **state)
{
    (void)state;
    struct item items[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    struct list head;
    list_init(&head);
    for (size_t i = 0; i < 4; i++)
        list_push_back(&head, &items[i].link);
    list_remove(&items[1].link);
    assert_holds(&head, "acd");
    list_remove(&items[0].link);
    assert_holds(&head, "cd");
    list_remove(&items[3].link);
    assert_holds(&head, "c");
    list_remove(&items[2].link);
    assert_holds(&head, "");
}

static void removing_twice_is_harmless(void **state)
{
    (void)state;
    struct item items[] = {{.name = 'a'}, {.name = 'b'}};
    struct list head;
    list_init(&head);
    list_push_back(&head, &items[0].link);
    list_push_back(&head, &items[1].link);
    list_remove(&items[0].link);
    assert_true(list_is_empty(&items[0].link));
    list_remove(&items[0].link);
    assert_holds(&head, "b");
    list_push_back(&head, &items[0].link);
    assert_holds(&head, "ba");
}

static void taking_the_first_until_empty_visits_all(void **state)
{
    (void)state;
    struct item items[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
    struct list head;
    list_init(&head);
    for (size_t i = 0; i < 3; i++)
        list_push_front(&head, &items[i].link);
    char names[4] = "";
    for (size_t i = 0; !list_is_empty(&head); i++) {
        names[i] = container_of(head.next, struct item, link)->name;
        list_remove(head.next);
    }
    assert_string_equal(names, "cba");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_list_is_empty),
        cmocka_unit_test(push_front_and_push_back_keep_their_order),
        cmocka_unit_test(insert_between_puts_a_link_in_the_middle),
        cmocka_unit_test(remove_takes_out_first_middle_last_and_only),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(taking_the_first_until_empty_visits_all),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
