// Generalized accounts: a contract says who may act for them.
import assert from 'node:assert/strict';
import {
  AccountGeneralized, buildAuthTxHash, buildAuthTxHashByGaMetaTx, buildTxHash, Contract, MemoryAccount, Tag, unpackTx,
} from '@aeternity/aepp-sdk';
import { compiled, compiler, source } from './contracts.mjs';
import { ask, charge, COIN, connect, newcomer, refusal, run } from './lib.mjs';

// What an authentication may cost: fixed, because the key signs it together with the transaction.
const PRICE = { fee: 200_000n * 10n ** 9n, gasPrice: 10n ** 9n, gasLimit: 20_000 };

export default async function check(title, url) {
  const { node, sdk } = await connect(url, compiler);
  const balance = async (id) => BigInt(await sdk.getBalance(id));
  const owner = MemoryAccount.generate();
  const key = MemoryAccount.generate();
  const friend = MemoryAccount.generate();
  const account = new AccountGeneralized(owner.address);
  const info = async ({ hash }) => (await node.getTransactionInfoByHash(hash)).gaInfo;
  let guard;
  const used = async () => Number((await guard.used()).decodedResult);

  // What the guard wants: the key's signature over the transaction's hash and the number of times before.
  const signature = async (tx, count, signer = key) => {
    const hash = await buildAuthTxHash(tx, { ...PRICE, onNode: node });
    const times = Buffer.alloc(8);
    times.writeBigUInt64BE(BigInt(count));
    return signer.unsafeSign(Buffer.concat([hash, times]));
  };
  const authData = (count, signer) => async (tx) => ({
    ...PRICE,
    callData: guard._calldata.encode('Guard', 'authorize', [count ?? await used(), await signature(tx, count ?? await used(), signer)]),
  });
  const through = (options = {}) => ({ onAccount: account, authData: authData(), ...options });

  return run(`${title} 05-generalized`, {
    'an account attaches a guard': async () => {
      await sdk.spend(10n * COIN, owner.address);
      const attached = await sdk.createGeneralizedAccount('authorize', [key.address], { onAccount: owner, sourceCode: source('Guard') });
      const now = await node.getAccountByPubkey(owner.address);
      assert.deepEqual(
        [now.kind, now.contractId, now.authFun, now.nonce, now.payable],
        ['generalized', attached.gaContractId, 'authorize', 1, true],
      );
      const { tx } = await node.getTransactionByHash(attached.transaction);
      assert.deepEqual([tx.type, tx.ownerId, tx.nonce, tx.vmVersion, tx.abiVersion], ['GAAttachTx', owner.address, 1, 8, 3]);
      const { callInfo } = await node.getTransactionInfoByHash(attached.transaction);
      assert.deepEqual([callInfo.returnType, callInfo.contractId, callInfo.callerId], ['ok', attached.gaContractId, owner.address]);
      assert.equal(10n * COIN - now.balance, charge(tx, callInfo.gasUsed));
      assert.equal((await node.getContract(attached.gaContractId)).ownerId, owner.address);
      const { aci } = await compiled('Guard');
      guard = await Contract.initialize({ ...sdk.getContext(), aci, address: attached.gaContractId });
      assert.equal(await used(), 0);
    },
    'its next nonce is 0': async () => {
      assert.equal((await node.getAccountNextNonce(owner.address)).nextNonce, 0);
    },
    'it cannot attach another': async () => {
      const again = () => sdk.createGeneralizedAccount('authorize', [key.address], { onAccount: owner, sourceCode: source('Guard') });
      assert.match(await refusal(again), /is already GA$/);
    },
    'an account that has acted before cannot attach': async () => {
      const late = await newcomer(sdk, COIN);
      await sdk.spend(1, sdk.address, { onAccount: late });
      const attach = () => sdk.createGeneralizedAccount('authorize', [key.address], { onAccount: late, sourceCode: source('Guard') });
      assert.match(await refusal(attach), /nonce should be equal 1 if GaAttachTx, got 2 instead/);
    },
    'its old key has no power any more': async () => {
      const spend = (options) => sdk.spend(1, friend.address, { onAccount: owner, ...options });
      assert.match(await refusal(spend), /Generalized account can't be used to generate SignedTx with signatures/);
      assert.match(await refusal(() => spend({ verify: false, nonce: 2 })), /Invalid tx \(account_kind\)/);
    },
    'a payment goes through it': async () => {
      const before = await balance(owner.address);
      const sent = await sdk.spend(COIN, friend.address, through());
      assert.equal(await balance(friend.address), COIN);
      assert.equal(await used(), 1);
      assert.deepEqual([sent.tx.type, sent.tx.gaId], ['GAMetaTx', owner.address]);
      const { callerId, returnType, gasUsed, gasPrice, height, innerObject } = await info(sent);
      assert.deepEqual([callerId, returnType, gasPrice, height], [owner.address, 'ok', PRICE.gasPrice, sent.blockHeight]);
      assert.ok(gasUsed > 0 && gasUsed < PRICE.gasLimit, `${gasUsed}`);
      assert.equal(innerObject.callInfo, undefined);
      const inner = unpackTx(sent.rawTx, Tag.SignedTx).encodedTx.tx.encodedTx;
      assert.equal(inner.nonce, 0);
      const paid = COIN + PRICE.fee + BigInt(gasUsed) * gasPrice + BigInt(inner.fee);
      assert.equal(before - await balance(owner.address), paid);
      assert.equal((await node.getAccountByPubkey(owner.address)).nonce, 1);
    },
    'the name of its function comes from the ledger': async () => {
      const count = await used();
      await sdk.spend(1, friend.address, through({
        authData: async (tx) => ({ ...PRICE, sourceCode: source('Guard'), args: [count, await signature(tx, count)] }),
      }));
      assert.equal(await used(), count + 1);
    },
    'a static call is made for it': async () => {
      assert.equal((await guard.used({ onAccount: account })).result.callerId, owner.address);
    },
    'a call goes through it, and its result is inside': async () => {
      const counter = await Contract.initialize({ ...sdk.getContext(), ...await compiled('Counter') });
      const { address } = await counter.$deploy([0]);
      const tx = await sdk.buildTx({
        tag: Tag.ContractCallTx, callerId: owner.address, contractId: address, amount: 0, gasLimit: 100_000,
        callData: counter._calldata.encode('Counter', 'count', [3]),
      });
      const sent = await sdk.sendTransaction(tx, through());
      const { returnType, innerObject: { callInfo } } = await info(sent);
      assert.deepEqual([returnType, callInfo.returnType, callInfo.callerId, callInfo.contractId], ['ok', 'ok', owner.address, address]);
      assert.equal(counter._calldata.decode('Counter', 'count', callInfo.returnValue), 3n);
      assert.deepEqual(counter.$decodeEvents(callInfo.log)[1].args, [3n, owner.address]);
    },
    'the hash that the guard sees is the one that the SDK computes': async () => {
      const tx = await sdk.buildTx({ tag: Tag.SpendTx, senderId: owner.address, recipientId: friend.address, amount: 1, nonce: 0 });
      const signed = await account.signTransaction(tx, { authData: authData(), onCompiler: compiler, onNode: node });
      assert.deepEqual(await buildAuthTxHashByGaMetaTx(signed, { onNode: node }), await buildAuthTxHash(tx, { ...PRICE, onNode: node }));
      await sdk.api.postTransaction({ tx: signed });
      assert.ok((await sdk.poll(buildTxHash(signed))).blockHeight > 0);
    },
    'a wrong key is refused, and nothing is paid': async () => {
      const [before, count] = [await balance(owner.address), await used()];
      const wrong = through({ authData: authData(undefined, MemoryAccount.generate()) });
      assert.match(await refusal(() => sdk.spend(1, friend.address, wrong)), /Invalid tx \(auth_failed\)/);
      assert.deepEqual([await balance(owner.address), await used()], [before, count]);
    },
    'an authentication counts once': async () => {
      const before = await balance(friend.address);
      const old = through({ authData: authData((await used()) - 1) });
      assert.match(await refusal(() => sdk.spend(2, friend.address, old)), /Invalid tx \(auth_failed\)/);
      // The same bytes are the same transaction, and no second one.
      const sent = await sdk.spend(3, friend.address, through());
      const again = await ask(`${url}/v3/transactions`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ tx: sent.rawTx }),
      });
      assert.deepEqual([again.status, again.json().tx_hash], [200, sent.hash]);
      assert.equal(await balance(friend.address), before + 3n);
    },
    'it pays for what it sends, and no more than it has': async () => {
      const message = await refusal(() => sdk.spend(100n * COIN, friend.address, through()));
      assert.match(message, /Account balance \d+ is not enough to execute the transaction that costs \d+/);
    },
    'an account without a guard is none': async () => {
      const plain = new AccountGeneralized(sdk.address);
      const authorize = { ...PRICE, callData: guard._calldata.encode('Guard', 'authorize', [0, Buffer.alloc(64)]) };
      const spend = (options) => sdk.spend(1, friend.address, { onAccount: plain, nonce: 0, authData: authorize, ...options });
      assert.match(await refusal(spend), /Basic account can't be used to generate GaMetaTx/);
      assert.match(await refusal(() => spend({ verify: false })), /Invalid tx \(account_kind\)/);
    },
  });
}
