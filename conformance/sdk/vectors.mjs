// Write what the public SDK makes of fixed values, for ours to equal: `node vectors.mjs ../vectors/encodings`.
// Every value is fixed, so that running this again changes nothing unless the SDK does.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildAuthTxHash, buildContractIdByContractTx, buildTx, buildTxHash, ConsensusProtocolVersion, encode, Encoding, MemoryAccount, MIN_GAS_PRICE,
  Tag, unpackTx,
} from '@aeternity/aepp-sdk';

const SDK = '@aeternity/aepp-sdk 14.1.1';
const [, , dir = '.'] = process.argv;

const bytes = (length, fill) => Buffer.from(Array.from({ length }, (_, at) => (at * 7 + fill) & 0xff));
const secret = (fill) => encode(Buffer.alloc(32, fill), Encoding.AccountSecretKey);
const hex = (buffer) => Buffer.from(buffer).toString('hex');

// One row a line: a changed row is a changed line.
function write(file, head, lists) {
  const body = Object.entries(lists).map(([name, rows]) => {
    const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
    return `  ${JSON.stringify(name)}: [\n${lines}\n  ]`;
  });
  writeFileSync(join(dir, file), `{\n  "about": ${JSON.stringify(`${head} Made by ${SDK}.`)},\n${body.join(',\n')}\n}\n`);
}

const networks = ['banyan_dev', 'bank.2Qx7Lm4d', 'x', 'a_network_id_of_thirty_two_chars'];
const contract = encode(bytes(32, 3), Encoding.ContractAddress);
const someone = encode(bytes(32, 5), Encoding.AccountAddress);
const nobody = encode(Buffer.alloc(32), Encoding.AccountAddress);

// Numbers at the edges of their encodings, payloads at the edges of RLP's lengths.
const spends = [
  { note: 'everything zero', amount: '0', nonce: 0 },
  { note: 'one byte', amount: '1', nonce: 1 },
  { note: 'largest single byte', amount: '127', nonce: 127, ttl: 127 },
  { note: 'first byte with a length', amount: '128', nonce: 128, ttl: 128 },
  { note: 'two bytes', amount: '256', nonce: 256, ttl: 65535 },
  { note: 'a coin', amount: '1000000000000000000', nonce: 1, to: contract },
  { note: 'the whole supply', amount: '1000000000000000000000000000000', nonce: 4294967296, ttl: 4294967296 },
  { note: 'largest safe integers', amount: '9007199254740991', nonce: Number.MAX_SAFE_INTEGER, ttl: Number.MAX_SAFE_INTEGER },
  { note: 'to the all-zero account', amount: '1', nonce: 1, to: nobody },
  { note: 'payload of one small byte', amount: '1', nonce: 1, payload: Buffer.from([0x7f]) },
  { note: 'payload of one large byte', amount: '1', nonce: 1, payload: Buffer.from([0x80]) },
  { note: 'payload of a zero', amount: '1', nonce: 1, payload: Buffer.from([0]) },
  { note: 'payload of 55 bytes', amount: '1', nonce: 1, payload: bytes(55, 1) },
  { note: 'payload of 56 bytes', amount: '1', nonce: 1, payload: bytes(56, 1) },
  { note: 'payload of 256 bytes', amount: '1', nonce: 1, payload: bytes(256, 1) },
  { note: 'payload of text', amount: '1', nonce: 1, payload: Buffer.from('zwei Kröten für Ää') },
];

async function spend({ note, amount, nonce, ttl = 0, to = someone, payload = Buffer.alloc(0), fee }, at) {
  const account = new MemoryAccount(secret(at + 1));
  const networkId = networks[at % networks.length];
  const fields = {
    tag: Tag.SpendTx, senderId: account.address, recipientId: to, amount, nonce, ttl,
    payload: encode(payload, Encoding.Bytearray),
  };
  const cheapest = buildTx(fields);
  const unsigned = fee == null ? cheapest : buildTx({ ...fields, fee });
  const signed = await account.signTransaction(unsigned, { networkId });
  return {
    note,
    network_id: networkId,
    secret: secret(at + 1),
    sender: account.address,
    recipient: to,
    amount,
    fee: unpackTx(unsigned).fee,
    fee_min: unpackTx(cheapest).fee,
    ttl,
    nonce,
    payload: hex(payload),
    unsigned,
    signature: encode(unpackTx(signed).signatures[0], Encoding.Signature),
    signed,
    hash: buildTxHash(signed),
  };
}

const rows = await Promise.all(spends.map(spend));
rows.push(await spend({ note: 'a generous fee', amount: '1', nonce: 1, fee: '1000000000000000000' }, 20));

// Names and oracles are left out of this tree, so what needs them is refused, and says why.
const account = new MemoryAccount(secret(1));
const common = { senderId: account.address, nonce: 1, ttl: 0 };
const foreign = [
  ['to a name', { ...common, tag: Tag.SpendTx, recipientId: encode(bytes(32, 1), Encoding.Name), amount: 1 }, 'malformed'],
  ['a preclaim', { tag: Tag.NamePreclaimTx, accountId: account.address, nonce: 1, ttl: 0, commitmentId: encode(bytes(32, 2), Encoding.Commitment) }, 'unknown_tag'],
];
const refused = await Promise.all(foreign.map(async ([note, fields, error]) => {
  const signed = await account.signTransaction(buildTx(fields), { networkId: networks[0] });
  return { note, signed, error };
}));
write('spend.json', 'Spends: fields, the unsigned and the signed bytes, the signature over the network id and the hash, the transaction hash, and the least fee at 10^9 for each gas. Refused rows name the error.', { spends: rows, refused });
if (MIN_GAS_PRICE !== 1e9) throw new Error('the least price has changed');

const fixed = {
  KeyBlockHash: 32, MicroBlockHash: 32, BlockTxHash: 32, BlockStateHash: 32, Channel: 32, ContractAddress: 32,
  TxHash: 32, AccountAddress: 32, AccountSecretKey: 32, Signature: 64, PeerPubkey: 32, State: 32,
};
const open = ['ContractBytearray', 'ContractStoreKey', 'ContractStoreValue', 'Transaction', 'Poi', 'StateTrees', 'Bytearray'];
const text = (kind, payload) => ({ prefix: Encoding[kind], payload: hex(payload), text: encode(payload, Encoding[kind]) });
const texts = [
  ...Object.entries(fixed).flatMap(([kind, length]) => [
    text(kind, Buffer.alloc(length)), text(kind, Buffer.alloc(length, 0xff)), text(kind, bytes(length, 11)),
  ]),
  ...open.flatMap((kind) => [0, 1, 2, 3, 32, 100].map((length) => text(kind, bytes(length, length)))),
];
const missing = ['Name', 'OracleAddress', 'OracleQuery', 'OracleQueryId', 'OracleResponse', 'Commitment', 'BlockPofHash', 'CallStateTree'];
const good = encode(bytes(32, 11), Encoding.AccountAddress);
write('text.json', 'Text encodings of bytes. Refused rows name the error.', {
  texts,
  refused: [
    ...missing.map((kind) => ({ text: encode(bytes(32, 1), Encoding[kind]), error: 'unsupported' })),
    { text: good.replace('ak_', 'ct_').slice(0, -1), error: 'checksum' },
    { text: good.replace('ak_', 'sg_'), error: 'length' },
    { text: good.replace('ak_', 'zz_'), error: 'unknown' },
    { text: good.replace('_', ''), error: 'no_prefix' },
    { text: `${good}0`, error: 'alphabet' },
    { text: encode(bytes(3, 1), Encoding.Bytearray).replace(/=*$/, '!'), error: 'alphabet' },
  ],
});

// Contracts, generalized accounts and payers. The bytes of code and call data mean nothing here.
const code = encode(bytes(90, 1), Encoding.ContractBytearray);
const callData = encode(bytes(9, 2), Encoding.ContractBytearray);
const ctVersion = { vmVersion: 8, abiVersion: 3 };
const run = { gasLimit: 50000, gasPrice: '1500000000', callData };
const owner = new MemoryAccount(secret(31));
const payer = new MemoryAccount(secret(32));
const [networkId] = networks;
const kinds = [
  ['a contract', { tag: Tag.ContractCreateTx, ownerId: owner.address, nonce: 1, ttl: 0, code, ctVersion, amount: 0, ...run }],
  ['a contract with coins and a last height', { tag: Tag.ContractCreateTx, ownerId: owner.address, nonce: 300, ttl: 70000, code, ctVersion, amount: '1000000000000000000', ...run }],
  ['a call', { tag: Tag.ContractCallTx, callerId: owner.address, nonce: 2, ttl: 0, contractId: contract, abiVersion: 3, amount: 0, ...run }],
  ['a call with coins', { tag: Tag.ContractCallTx, callerId: owner.address, nonce: 128, ttl: 9, contractId: contract, abiVersion: 3, amount: '128', ...run }],
  ['an account under a contract', { tag: Tag.GAAttachTx, ownerId: owner.address, nonce: 1, ttl: 0, code, authFun: bytes(32, 6), ctVersion, ...run }],
].map(([note, fields]) => ({ note, tx: buildTx(fields), account: owner }));

// What stands inside others: signed with the inner suffix for a payer, and by nobody for a meta transaction.
const inner = buildTx({ tag: Tag.SpendTx, senderId: owner.address, recipientId: someone, amount: 5, nonce: 0, ttl: 0, payload: encode(Buffer.alloc(0), Encoding.Bytearray) });
const paidInner = buildTx({ tag: Tag.SpendTx, senderId: owner.address, recipientId: someone, amount: 5, nonce: 4, ttl: 0, payload: encode(Buffer.alloc(0), Encoding.Bytearray) });
const signedInner = await owner.signTransaction(paidInner, { networkId, innerTx: true });
kinds.push({ note: 'a payer', tx: buildTx({ tag: Tag.PayingForTx, payerId: payer.address, nonce: 3, tx: signedInner }), account: payer });
const meta = (wrapped, fee) => buildTx({ tag: Tag.GAMetaTx, gaId: owner.address, authData: callData, abiVersion: 3, gasLimit: 40000, gasPrice: '1000000000', tx: wrapped, ...fee });
const unsignedInner = buildTx({ tag: Tag.SignedTx, encodedTx: unpackTx(inner), signatures: [] });
const metaTx = meta(unsignedInner);
kinds.push({ note: 'a meta transaction', tx: metaTx });
const signedMeta = buildTx({ tag: Tag.SignedTx, encodedTx: unpackTx(metaTx), signatures: [] });
kinds.push({ note: 'a payer of a meta transaction', tx: buildTx({ tag: Tag.PayingForTx, payerId: payer.address, nonce: 5, tx: signedMeta }), account: payer });

const kindRows = await Promise.all(kinds.map(async ({ note, tx, account }) => {
  const signed = account == null
    ? buildTx({ tag: Tag.SignedTx, encodedTx: unpackTx(tx), signatures: [] })
    : await account.signTransaction(tx, { networkId });
  return {
    note, network_id: networkId, kind: Tag[unpackTx(tx).tag], fee_min: unpackTx(tx).fee, unsigned: tx, signed, hash: buildTxHash(signed),
    ...account == null ? {} : { secret: secret(account === owner ? 31 : 32) },
  };
}));

const fee = '90000000000000';
const gasPrice = '1000000000';
const onNode = { getNodeInfo: async () => ({ nodeNetworkId: networkId, consensusProtocolVersion: ConsensusProtocolVersion.Ceres }) };
const authHashes = await Promise.all([inner, paidInner, kinds[2].tx].map(async (tx) => ({
  network_id: networkId, transaction: tx, fee, gas_price: gasPrice, hash: hex(await buildAuthTxHash(tx, { fee, gasPrice, onNode })),
})));
const contractIds = [1, 127, 128, 255, 256, 65536].map((nonce) => ({
  owner: owner.address, nonce, contract: buildContractIdByContractTx(buildTx({ ...{ tag: Tag.ContractCreateTx, ownerId: owner.address, ttl: 0, code, ctVersion, amount: 0, ...run }, nonce })),
}));
write('contract.json', 'Contract, generalized account and payer transactions; the hash that an account\'s contract is shown; ids of contracts.', {
  transactions: kindRows, auth_hashes: authHashes, contract_ids: contractIds,
});
