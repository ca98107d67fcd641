// What the scripts share: a list of checks that counts, and an SDK connected to one ledger.
import { AccountMnemonicFactory, AeSdk, MemoryAccount, Node } from '@aeternity/aepp-sdk';

// The public development mnemonic: every dev genesis funds its first accounts.
const MNEMONIC = `${'abandon '.repeat(11)}about`;
const factory = new AccountMnemonicFactory(MNEMONIC);

/** Account `index` of the development mnemonic. */
export const account = (index) => factory.initialize(index);

/** Base units in one coin. */
export const COIN = 10n ** 18n;

/** An SDK on the ledger at `url`, spending from account 0, with a compiler if one is given. */
export async function connect(url, onCompiler) {
  const node = new Node(url);
  const sdk = new AeSdk({ nodes: [{ name: 'ledger', instance: node }], accounts: [await account(0)], onCompiler });
  return { node, sdk };
}

/** A new account that holds `amount`; with nothing it is not on the ledger at all. */
export async function newcomer(sdk, amount = 0n) {
  const one = MemoryAccount.generate();
  if (amount > 0n) await sdk.spend(amount, one.address);
  return one;
}

/** What a transaction costs at most besides what it moves: its fee and all of its gas. */
export const charge = ({ fee, gas = 0, gasPrice = 0n }, gasUsed = gas) => fee + BigInt(gasUsed) * gasPrice;

/** The answer of a plain request, for what the SDK does not show. */
export async function ask(url, init) {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
}

/** Run named checks one after the other; each throws if what it says does not hold. */
export async function run(title, checks) {
  let passed = 0;
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    const begun = Date.now();
    try {
      await check();
      passed += 1;
      console.log(`ok    ${title}: ${name} (${Date.now() - begun} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${title}: ${name}\n      ${error.stack ?? error}`);
    }
  }
  return { passed, failed };
}

/** The message that `action` fails with. */
export async function refusal(action) {
  try {
    await action();
  } catch (error) {
    return error.message;
  }
  throw new Error('it was not refused');
}
