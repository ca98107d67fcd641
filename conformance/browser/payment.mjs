// Make signed transactions with nothing but Node's own cryptography: the public formats, in their plain signing form.
import { createHash, createHmac, createPrivateKey, pbkdf2Sync, sign } from 'node:crypto';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
const checked = (bytes) => Buffer.concat([bytes, sha256(sha256(bytes)).subarray(0, 4)]);

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const base58 = (bytes) => {
  let number = BigInt(`0x${bytes.toString('hex') || '0'}`);
  let text = '';
  for (; number > 0n; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros < 0 ? bytes.length : zeros) + text;
};

const rlp = (item) => {
  const head = (short, length) => {
    if (length < 56) return Buffer.from([short + length]);
    const digits = minimal(BigInt(length));
    return Buffer.concat([Buffer.from([short + 55 + digits.length]), digits]);
  };
  if (Array.isArray(item)) {
    const body = Buffer.concat(item.map(rlp));
    return Buffer.concat([head(0xc0, body.length), body]);
  }
  return item.length === 1 && item[0] < 0x80 ? item : Buffer.concat([head(0x80, item.length), item]);
};
const minimal = (number) => {
  const digits = number.toString(16);
  return Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex');
};
const int = (number) => minimal(BigInt(number));
const id = (bytes) => Buffer.concat([Buffer.from([1]), bytes]);

/** Account 0 of the public development mnemonic: BIP-39, then SLIP-10 along m/44'/457'/0'/0'/0'. */
export function devAccount() {
  const mnemonic = `${'abandon '.repeat(11)}about`;
  const seed = pbkdf2Sync(mnemonic, 'mnemonic', 2048, 64, 'sha512');
  let node = createHmac('sha512', 'ed25519 seed').update(seed).digest();
  for (const index of [44, 457, 0, 0, 0]) {
    const data = Buffer.concat([Buffer.from([0]), node.subarray(0, 32), Buffer.alloc(4)]);
    data.writeUInt32BE(0x80000000 + index, 33);
    node = createHmac('sha512', node.subarray(32)).update(data).digest();
  }
  return accountOf(node.subarray(0, 32));
}

/** The account of a secret seed. */
export function accountOf(seed) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const bytes = Buffer.from(key.export({ format: 'jwk' }).x, 'base64url');
  return { key, bytes, address: `ak_${base58(checked(bytes))}` };
}

const FEE = 2n * 10n ** 15n;
const GAS = [int(100_000), int(1_000_000_000)];

const signed = (fields, { from, networkId }) => {
  const tx = rlp(fields);
  const signature = sign(null, Buffer.concat([Buffer.from(networkId), tx]), from.key);
  return `tx_${checked(rlp([int(11), int(1), [signature], tx])).toString('base64')}`;
};

/** The text `tx_…` of a payment, signed for `networkId`. */
export function payment({ from, to, amount, nonce, networkId, payload = '', fee = 10n ** 15n }) {
  const fields = [int(12), int(1), id(from.bytes), id(to.bytes), int(amount), int(fee), int(0), int(nonce), Buffer.from(payload)];
  return signed(fields, { from, networkId });
}

/** Bytes of a text with a checksum, such as `cb_…` or `ct_…`; the checksum is the node's affair. */
export function bytesOf(text) {
  const [prefix, body] = [text.slice(0, 2), text.slice(3)];
  if (prefix === 'cb') return Buffer.from(body, 'base64').subarray(0, -4);
  let number = 0n;
  for (const letter of body) number = number * 58n + BigInt(ALPHABET.indexOf(letter));
  const bytes = minimal(number);
  const zeros = /^1*/.exec(body)[0].length;
  return Buffer.concat([Buffer.alloc(zeros), bytes]).subarray(0, -4);
}

/** Call data: a function by the four bytes of its id, and small numbers. */
const callData = (name, numbers) => Buffer.concat([Buffer.from([0x2b, 0x11]), Buffer.from(name, 'hex'),
  Buffer.from([numbers.length << 4 | 0x0b, ...numbers.map((number) => number << 1)])]);

/** The id of every contract's `init`. */
const INIT = '44d6441f';

/** The text `tx_…` that makes a contract. */
export function deployment({ from, code, numbers, nonce, networkId }) {
  const fields = [int(42), int(1), id(from.bytes), int(nonce), bytesOf(code), int(0x080003), int(FEE), int(0), int(0), int(0), ...GAS,
    callData(INIT, numbers)];
  return signed(fields, { from, networkId });
}

/** The text `tx_…` of a call. */
export function call({ from, contract, name, numbers, nonce, networkId }) {
  const to = Buffer.concat([Buffer.from([5]), bytesOf(contract)]);
  const fields = [int(43), int(1), id(from.bytes), int(nonce), to, int(3), int(FEE), int(0), int(0), ...GAS, callData(name, numbers)];
  return signed(fields, { from, networkId });
}
