// The contracts of `contracts/`, and a compiler that compiles each of them once for all ledgers.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CompilerCli } from '@aeternity/aepp-sdk';

const PACKAGES = 'erlang-base erlang-crypto';

/** Where the source of a contract is. */
export const path = (name) => fileURLToPath(new URL(`contracts/${name}.aes`, import.meta.url));

/** The source of a contract. */
export const source = (name) => readFileSync(path(name), 'utf8');

let cli;
const kept = new Map();

// The same source gives the same bytes, so what is compiled once need not be compiled again.
function once(key, compile) {
  cli ??= new CompilerCli();
  if (!kept.has(key)) kept.set(key, compile());
  return kept.get(key);
}

/** The compiler that is in the SDK, with a memory. */
export const compiler = {
  compile: (file) => once(file, () => cli.compile(file)),
  compileBySourceCode: (text, files) => once(text, () => cli.compileBySourceCode(text, files)),
  validate: (bytecode, file) => once(`${bytecode} ${file}`, () => cli.validate(bytecode, file)),
  validateBySourceCode: (bytecode, text, files) => once(`${bytecode} ${text}`, () => cli.validateBySourceCode(bytecode, text, files)),
};

/** `{ bytecode, aci }` of a contract, to be changed at will. */
export async function compiled(name) {
  const { bytecode, aci } = await compiler.compile(path(name));
  return { bytecode, aci: structuredClone(aci) };
}

/** The compiler runs on Erlang with its cryptography; without them, say how to get them and leave. */
export async function ensureErlang() {
  const asks = 'case code:ensure_loaded(crypto) of {module, _} -> halt(0); _ -> halt(1) end.';
  try {
    await promisify(execFile)('erl', ['-noshell', '-eval', asks]);
  } catch ({ code }) {
    const why = code === 'ENOENT' ? 'there is no erl' : 'erl has no library crypto';
    console.error(`error: the contract compiler cannot run: ${why}\n  try: apt-get install --no-install-recommends ${PACKAGES}`);
    process.exit(1);
  }
}
