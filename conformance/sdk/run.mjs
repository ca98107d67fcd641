// Drive a node with the public JavaScript SDK: `node run.mjs [URL]`, or BANYAN_URL.
// The ledger at the URL itself first, then every ledger of its tree through /l/<name>.
import { ask } from './lib.mjs';
import connect from './01-connect.mjs';
import read from './02-read.mjs';
import spend from './03-spend.mjs';
import contracts from './04-contracts.mjs';
import generalized from './05-generalized.mjs';
import payingFor from './06-paying-for.mjs';
import { ensureErlang } from './contracts.mjs';

const url = (process.argv[2] ?? process.env.BANYAN_URL ?? 'http://127.0.0.1:3013').replace(/\/$/, '');

const names = (nodes) => nodes.flatMap(({ name, children }) => [name, ...names(children)]);
const tree = names((await ask(`${url}/banyan/v1/tree`)).json());
const mounts = [['/', url], ...tree.slice(1).map((name) => [`/l/${name}`, `${url}/l/${name}`])];

await ensureErlang();
let passed = 0;
let failed = 0;
for (const [title, mount] of mounts) {
  for (const check of [connect, read, spend, contracts, generalized, payingFor]) {
    const result = await check(title, mount);
    passed += result.passed;
    failed += result.failed;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
