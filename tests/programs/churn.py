# SPDX-License-Identifier: MIT
"""Makes, changes and drops lists, dicts and strings, as often as its argument says; prints what
came of it."""
import hashlib
import sys

steps = int(sys.argv[1])
seen, words, lists = {}, [], [[] for _ in range(97)]
digest = hashlib.sha256()
state = 1
for step in range(steps):
    state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
    number = state >> 33
    word = "%x" % number * (1 + number % 5)
    lists[number % 97].append((step, word))
    seen[word] = seen.get(word, 0) + step
    words.append(word.upper() + str(step))
    if len(lists[number % 97]) > 60:
        lists[number % 97] = sorted(lists[number % 97], key=lambda pair: pair[1])[::2]
    if len(words) == 3000:
        text = " ".join(words)
        digest.update(text.replace("A", "bc").encode())
        words = text.split()[::3]
    if len(seen) > 20000:
        seen = {key: seen[key] for key in list(seen)[::3]}
print(digest.hexdigest(), len(seen), sum(map(len, lists)), sum(seen.values()))
