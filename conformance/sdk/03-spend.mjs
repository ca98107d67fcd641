// Payments: posted, polled, confirmed; and every way in which one is refused.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { buildTx, encode, Encoding, MemoryAccount, Node, Tag, unpackTx } from '@aeternity/aepp-sdk';
import { ask, COIN, connect, refusal, run } from './lib.mjs';

export default async function check(title, url) {
  const { node, sdk } = await connect(url);
  const friend = MemoryAccount.generate();
  const post = (tx) => ask(`${url}/v3/transactions`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ tx }),
  });
  let first;
  return run(`${title} 03-spend`, {
    'a payment arrives to the last unit': async () => {
      const amount = 12_345_678_901_234_567_891n;
      first = await sdk.spend(amount, friend.address, { payload: encode(Buffer.from('thank you'), Encoding.Bytearray) });
      assert.ok(first.blockHeight > 0);
      assert.equal(BigInt(await sdk.getBalance(friend.address)), amount);
      const found = await node.getTransactionByHash(first.hash);
      assert.equal(found.tx.amount, amount);
      assert.equal(found.tx.type, 'SpendTx');
    },
    'its micro block holds it': async () => {
      const { transactions } = await node.getMicroBlockTransactionsByHash(first.blockHash);
      const at = transactions.findIndex(({ hash }) => hash === first.hash);
      assert.ok(at >= 0);
      assert.equal((await node.getMicroBlockTransactionsCountByHash(first.blockHash)).count, transactions.length);
      const one = await node.getMicroBlockTransactionByHashAndIndex(first.blockHash, at + 1);
      assert.equal(one.hash, first.hash);
      const header = await node.getMicroBlockHeaderByHash(first.blockHash);
      assert.equal(header.height, first.blockHeight);
    },
    'a payment is confirmed by three blocks': async () => {
      const sent = await sdk.spend(COIN, friend.address, { confirm: 3 });
      assert.ok(sent.confirmationHeight >= sent.blockHeight + 3);
    },
    'submitting the same bytes again changes nothing': async () => {
      const sent = await sdk.spend(COIN, friend.address, { waitMined: false });
      const pending = await post(sent.rawTx);
      assert.deepEqual([pending.status, pending.json().tx_hash], [200, sent.hash]);
      await sdk.poll(sent.hash);
      const included = await post(sent.rawTx);
      assert.deepEqual([included.status, included.json().tx_hash], [200, sent.hash]);
    },
    'a waiting payment stands at height -1': async () => {
      const { nextNonce } = await node.getAccountNextNonce(sdk.address);
      // One nonce is left out, so that the payment has to wait.
      const sent = await sdk.spend(1, friend.address, { nonce: nextNonce + 1, waitMined: false });
      const waiting = await node.getTransactionByHash(sent.hash);
      assert.deepEqual([waiting.blockHeight, waiting.blockHash], [-1, 'none']);
      assert.equal(waiting.tx.ttl, 0);
      const { transactions } = await node.getPendingAccountTransactionsByPubkey(sdk.address);
      assert.ok(transactions.some(({ hash }) => hash === sent.hash));
      await sdk.spend(1, friend.address, { nonce: nextNonce });
      assert.ok((await sdk.poll(sent.hash)).blockHeight > 0);
    },
    'all funds of an account can go': async () => {
      sdk.addAccount(friend);
      await sdk.transferFunds(1, sdk.address, { onAccount: friend });
      assert.equal(await sdk.getBalance(friend.address), '0');
    },
    'too little money is told before it is sent': async () => {
      const message = await refusal(() => sdk.spend(10n ** 30n - 1n, friend.address));
      assert.match(message, /Account balance \d+ is not enough to execute the transaction that costs \d+/);
    },
    'too little money is told by the node too': async () => {
      const message = await refusal(() => sdk.spend(10n ** 28n, friend.address, { verify: false }));
      assert.match(message, /Invalid tx \(unfunded\)/);
    },
    'a ttl that is over is refused': async () => {
      const message = await refusal(() => sdk.spend(1, friend.address, { absoluteTtl: true, ttl: 1, verify: false }));
      assert.match(message, /Invalid tx \(ttl_expired\)/);
    },
    'a used nonce is refused': async () => {
      const message = await refusal(() => sdk.spend(1, friend.address, { nonce: 1, verify: false }));
      assert.match(message, /Invalid tx \(nonce_used\)/);
    },
    'a signature for another ledger is refused': async () => {
      const tx = await sdk.buildTx({ tag: Tag.SpendTx, senderId: sdk.address, recipientId: friend.address, amount: 1 });
      const signed = await sdk.signTransaction(tx, { networkId: 'another.ledger' });
      const answer = await post(signed);
      assert.deepEqual([answer.status, answer.json().error_code], [400, 'bad_signature']);
      assert.equal(answer.headers.get('banyan-owner'), 'invalid');
    },
    'a signature for another ledger of the tree says which': async () => {
      const ids = (nodes) => nodes.flatMap(({ network_id: id, children }) => [id, ...ids(children)]);
      const here = await node.getNetworkId();
      const other = ids((await ask(`${url}/banyan/v1/tree`)).json()).find((id) => id !== here);
      const tx = await sdk.buildTx({ tag: Tag.SpendTx, senderId: sdk.address, recipientId: friend.address, amount: 1 });
      const answer = (await post(await sdk.signTransaction(tx, { networkId: other }))).json();
      assert.equal(answer.error_code, 'wrong_network');
      assert.ok(answer.message.includes(other) && answer.message.includes(here));
    },
    'bytes that are no transaction are refused': async () => {
      const mistyped = await post(first.rawTx.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')));
      assert.equal(mistyped.status, 400);
      assert.match(mistyped.text, /Invalid api encoding|Invalid tx/);
      const unsigned = buildTx(unpackTx(first.rawTx, Tag.SignedTx).encodedTx);
      assert.equal((await post(unsigned)).json().error_code, 'unknown_tag');
    },
    'an unknown transaction is not found': async () => {
      const unknown = encode(randomBytes(32), Encoding.TxHash);
      const message = await refusal(() => new Node(url, { retryCount: 0 }).getTransactionByHash(unknown));
      assert.match(message, /Transaction not found$/);
    },
  });
}
