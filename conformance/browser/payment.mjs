// Make a signed payment with nothing but Node's own cryptography: the public formats, in their plain signing form.
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

/** The text `tx_…` of a payment, signed for `networkId`. */
export function payment({ from, to, amount, nonce, networkId, payload = '', fee = 10n ** 15n }) {
  const tx = rlp([int(12), int(1), id(from.bytes), id(to.bytes), int(amount), int(fee), int(0), int(nonce), Buffer.from(payload)]);
  const signature = sign(null, Buffer.concat([Buffer.from(networkId), tx]), from.key);
  return `tx_${checked(rlp([int(11), int(1), [signature], tx])).toString('base64')}`;
}
