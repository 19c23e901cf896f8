/* SPDX-License-Identifier: MIT */
/* Tests lib/complete.c. */
#include "lib/complete.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char *names(size_t index)
{
    static const char *const all[] = {"mem", "free", "maps", "map", "frames", "heap", NULL};
    return all[index];
}

static const char *no_names(size_t index)
{
    (void)index;
    return NULL;
}

static void assert_completion(const char *word, size_t count, const char *common)
{
    struct completion found = complete_find(names, word, strlen(word));
    assert_int_equal(found.count, count);
    assert_int_equal(found.common, strlen(common));
    assert_memory_equal(found.first, common, strlen(common));
}

static void a_word_begun_is_continued_as_far_as_it_is_clear(void **state)
{
    (void)state;
    assert_completion("", 6, "");
    assert_completion("m", 3, "m");
    assert_completion("ma", 2, "map");
    assert_completion("map", 2, "map");
    assert_completion("maps", 1, "maps");
    assert_completion("f", 2, "fr");
    assert_completion("fre", 1, "free");
    assert_completion("h", 1, "heap");
}

static void what_nothing_begins_with_stays(void **state)
{
    (void)state;
    static const char *const words[] = {"x", "mapsx", "eap", "M"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct completion found = complete_find(names, words[i], strlen(words[i]));
        assert_int_equal(found.count, 0);
        assert_null(found.first);
    }
    assert_int_equal(complete_find(no_names, "", 0).count, 0);
}

static void the_word_need_not_be_terminated(void **state)
{
    (void)state;
    assert_int_equal(complete_find(names, "mem 1", 2).count, 1);
    assert_true(complete_matches("map", "maps", 3));
    assert_false(complete_matches("map", "maps", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_begun_is_continued_as_far_as_it_is_clear),
        cmocka_unit_test(what_nothing_begins_with_stays),
        cmocka_unit_test(the_word_need_not_be_terminated),
    };
    return cmocka_run_group_tests_name("complete", tests, NULL, NULL);
}
