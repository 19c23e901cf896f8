// SPDX-License-Identifier: MIT
// Makes, changes and drops buffers, maps, strings and JSON, as often as its argument says; prints
// what came of it.
const crypto = require('crypto');
const zlib = require('zlib');

const digest = crypto.createHash('sha256');
let state = 1, seen = new Map(), buffers = [];
for (let step = 0; step < Number(process.argv[2]); step++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const word = state.toString(36).repeat(1 + state % 5);
    seen.set(word, { step, list: [state % 7, state % 11, word] });
    buffers.push(Buffer.alloc(16 + state % 9000, word));
    if (buffers.length === 200) {
        const all = Buffer.concat(buffers);
        digest.update(zlib.deflateSync(all, { level: 1 }));
        buffers = buffers.filter((_, at) => at % 3 === 0);
    }
    if (seen.size === 3000) {
        const text = JSON.stringify([...seen]);
        digest.update(text);
        seen = new Map(JSON.parse(text).filter((_, at) => at % 2));
    }
}
console.log(digest.digest('hex'), seen.size, buffers.length);
