// SPDX-License-Identifier: Apache-2.0
// Writes synthetic reports: node gen/make.mjs NAME OUT.html (server, empty, hostile, random, wide, large, deep, processes).
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportFile } from './encode.mjs';
import { PRESETS } from './presets.mjs';

const [name, out] = process.argv.slice(2);
if (!(name in PRESETS) || !out) {
    process.stderr.write(`usage: node gen/make.mjs ${Object.keys(PRESETS).join('|')} OUT.html\n`);
    process.exit(2);
}
const template = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'report.html');
writeFileSync(out, reportFile(template, PRESETS[name]()));
