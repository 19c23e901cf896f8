#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a git repository in the current directory, with branches and merges; packs, clones and checks
# it. What it prints depends on nothing but git.
set -eu
GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_AUTHOR_DATE='1700000000 +0000'
GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
export GIT_COMMITTER_DATE GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM

git init -q -b trunk repository
cd repository
for round in 1 2 3; do
    for file in 1 2 3 4 5 6 7 8 9 10 11 12; do
        seq "$round" "$file" $((round * file * 900)) >"file$file"
    done
    git add .
    git commit -q -m "round $round"
    git checkout -q -b "side$round"
    seq 500 >"side$round"
    git add .
    git commit -q -m "side $round"
    git checkout -q trunk
    git merge -q --no-ff -m "merge $round" "side$round"
done
git log --stat --format='%H %s'
git diff --stat HEAD~2
git -c gc.autoDetach=false -c pack.threads=2 gc -q
git fsck --full
git clone -q --no-local . ../clone
git -C ../clone rev-parse HEAD
git blame -s file3 | cksum
git grep -c 77 | sort
