// SPDX-License-Identifier: MIT
// The operators of C++ reach malloc: all forms of new and delete, containers, and a failing new.
#include <cstdint>
#include <cstdio>
#include <map>
#include <new>
#include <string>
#include <thread>
#include <vector>

struct alignas(256) Wide {
    char bytes[300];
};

static char *volatile taken; // or the compiler would do without

static bool is_refused()
{
    volatile std::size_t absurd = PTRDIFF_MAX;
    try {
        taken = new char[absurd];
        delete[] taken;
    } catch (const std::bad_alloc &) {
        return new (std::nothrow) char[absurd] == nullptr;
    }
    return false;
}

static std::size_t use(std::size_t count)
{
    std::map<std::string, std::vector<int>> map;
    for (std::size_t i = 0; i < count; i++)
        map[std::to_string(i * 7919 % 1000)].push_back(static_cast<int>(i));
    return map.size();
}

int main()
{
    Wide *wide = new Wide, *many = new Wide[3];
    bool aligned = reinterpret_cast<std::uintptr_t>(wide) % 256 == 0 &&
                   reinterpret_cast<std::uintptr_t>(many) % 256 == 0;
    delete wide;
    delete[] many;
    std::thread thread([] { use(20000); });
    std::size_t size = use(20000);
    thread.join();
    std::puts(aligned && is_refused() && size == 1000 ? "well" : "wrong");
}
