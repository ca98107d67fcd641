// Transactions for which somebody else pays: fees and gas are the payer's, amounts the sender's own.
import assert from 'node:assert/strict';
import { Contract, MemoryAccount, Tag } from '@aeternity/aepp-sdk';
import { compiled, compiler } from './contracts.mjs';
import { ask, charge, COIN, connect, newcomer, refusal, run } from './lib.mjs';

export default async function check(title, url) {
  const { node, sdk } = await connect(url, compiler);
  const balance = async (id) => BigInt(await sdk.getBalance(id));
  const networkId = await node.getNetworkId();
  const friend = MemoryAccount.generate();
  // Signed by its sender as one that somebody else will wrap.
  const inner = async (sender, fields, options = { innerTx: true }) => {
    const tx = await sdk.buildTx({ tag: Tag.SpendTx, senderId: sender.address, recipientId: friend.address, ...fields });
    return sender.signTransaction(tx, { networkId, ...options });
  };
  let counter;
  return run(`${title} 06-paying-for`, {
    'a sender keeps all of his coins for the payment': async () => {
      const poor = await newcomer(sdk, COIN);
      const before = await balance(sdk.address);
      const paid = await sdk.payForTransaction(await inner(poor, { amount: COIN }));
      assert.deepEqual([await balance(poor.address), await balance(friend.address)], [0n, COIN]);
      assert.deepEqual([paid.tx.type, paid.tx.payerId], ['PayingForTx', sdk.address]);
      assert.equal(paid.tx.tx.tx.senderId, poor.address);
      assert.equal(before - await balance(sdk.address), paid.tx.fee + paid.tx.tx.tx.fee);
      assert.equal((await node.getAccountNextNonce(poor.address)).nextNonce, 2);
    },
    'who has nothing calls a contract': async () => {
      counter = await Contract.initialize({ ...sdk.getContext(), ...await compiled('Counter') });
      await counter.$deploy([0]);
      const poor = MemoryAccount.generate();
      const { rawTx } = await counter.count(2, { onAccount: poor, innerTx: true });
      const before = await balance(sdk.address);
      const { hash, tx } = await sdk.payForTransaction(rawTx);
      const called = await counter.$getCallResultByTxHash(hash, 'count');
      assert.deepEqual([called.decodedResult, called.result.callerId], [2n, poor.address]);
      assert.deepEqual(called.decodedEvents[1].args, [2n, poor.address]);
      assert.equal(before - await balance(sdk.address), tx.fee + charge(tx.tx.tx, called.result.gasUsed));
      assert.equal(await balance(poor.address), 0n);
    },
    'who has nothing deploys a contract': async () => {
      const poor = MemoryAccount.generate();
      const own = await Contract.initialize({ ...sdk.getContext(), ...await compiled('Counter') });
      const { rawTx, address } = await own.$deploy([41], { onAccount: poor, innerTx: true });
      await sdk.payForTransaction(rawTx);
      assert.equal((await node.getContract(address)).ownerId, poor.address);
      assert.equal((await own.get()).decodedResult, 41n);
    },
    'a call that reverts is paid for too': async () => {
      const poor = MemoryAccount.generate();
      const { rawTx } = await counter.refuse('no', { onAccount: poor, innerTx: true, gasLimit: 100_000 });
      const before = await balance(sdk.address);
      const { hash, tx } = await sdk.payForTransaction(rawTx);
      const { callInfo } = await node.getTransactionInfoByHash(hash);
      assert.equal(callInfo.returnType, 'revert');
      assert.equal(before - await balance(sdk.address), tx.fee + charge(tx.tx.tx, callInfo.gasUsed));
      assert.equal(await refusal(() => counter.$getCallResultByTxHash(hash, 'refuse')), 'Invocation failed: "no"');
    },
    'a payer does not pay the amount': async () => {
      const poor = await newcomer(sdk, 10n);
      const more = await inner(poor, { amount: 11 });
      assert.match(await refusal(() => sdk.payForTransaction(more)), /Invalid tx \((funds|unfunded)\)/);
      assert.equal(await balance(poor.address), 10n);
    },
    'what is signed to be paid for does not stand alone': async () => {
      const poor = await newcomer(sdk, COIN);
      const tx = await inner(poor, { amount: 1 });
      const answer = await ask(`${url}/v3/transactions`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ tx }),
      });
      assert.deepEqual([answer.status, answer.json().error_code], [400, 'bad_signature']);
    },
    'what is signed to stand alone is not paid for': async () => {
      const poor = await newcomer(sdk, COIN);
      const alone = await inner(poor, { amount: 1 }, {});
      assert.match(await refusal(() => sdk.payForTransaction(alone)), /Signature cannot be verified/);
      assert.match(await refusal(() => sdk.payForTransaction(alone, { verify: false })), /Invalid tx \(bad_signature\)/);
    },
    'it is paid for once': async () => {
      const poor = await newcomer(sdk, COIN);
      const tx = await inner(poor, { amount: 1 });
      await sdk.payForTransaction(tx);
      assert.match(await refusal(() => sdk.payForTransaction(tx)), /Invalid tx \(nonce_used\)/);
    },
    'nobody pays for a payer': async () => {
      const poor = await newcomer(sdk, COIN);
      const payer = await newcomer(sdk, COIN);
      const { rawTx } = await sdk.payForTransaction(await inner(poor, { amount: 1 }), { onAccount: payer, innerTx: true });
      assert.match(await refusal(() => sdk.payForTransaction(rawTx, { verify: false })), /Invalid tx \(wrapping\)/);
    },
    'a payer without coins is told so': async () => {
      const poor = await newcomer(sdk, COIN);
      const tx = await inner(poor, { amount: 1 });
      const payer = await newcomer(sdk, 1n);
      assert.match(await refusal(() => sdk.payForTransaction(tx, { onAccount: payer })), /Account balance 1 is not enough/);
      const sent = () => sdk.payForTransaction(tx, { onAccount: payer, verify: false });
      assert.match(await refusal(sent), /Invalid tx \((funds|unfunded)\)/);
    },
  });
}
