// Contracts: deployed, read, called, paid, cloned; and every way in which a call fails.
import assert from 'node:assert/strict';
import { AeSdk, Contract, decode, encode, Encoding, hash, MemoryAccount, Tag } from '@aeternity/aepp-sdk';
import { compiled, compiler, path, source } from './contracts.mjs';
import { ask, charge, COIN, connect, newcomer, refusal, run } from './lib.mjs';

const bytes = (text) => Buffer.from(decode(text));
const NOTHING = encode(Buffer.alloc(0), Encoding.ContractBytearray);

export default async function check(title, url) {
  const { node, sdk } = await connect(url, compiler);
  const balance = async (id) => BigInt(await sdk.getBalance(id));
  // What the ledger kept of a call, whatever became of it.
  const info = async (sent) => {
    await sdk.poll(sent.hash);
    return (await node.getTransactionInfoByHash(sent.hash)).callInfo;
  };
  // A call that is signed and sent without being tried before.
  const send = async (contract, fn, args, options) => info(await contract.$call(fn, args, {
    callStatic: false, waitMined: false, gasLimit: 100_000, ...options,
  }));
  const events = ({ decodedEvents }) => decodedEvents.map(({ name, args }) => [name, ...args]);
  let counter;
  let deployed;
  let factory;
  let leaf;
  return run(`${title} 04-contracts`, {
    'a contract is deployed from its source': async () => {
      counter = await Contract.initialize({ ...sdk.getContext(), sourceCode: source('Counter') });
      deployed = await counter.$deploy([10]);
      const { address, result, txData } = deployed;
      assert.deepEqual(
        [result.returnType, result.returnValue, result.contractId, result.callerId, result.callerNonce, result.height, result.log],
        ['ok', NOTHING, address, sdk.address, txData.tx.nonce, txData.blockHeight, []],
      );
      assert.ok(result.gasUsed > 0 && result.gasUsed < 100_000, `${result.gasUsed}`);
      assert.deepEqual([txData.tx.type, txData.tx.vmVersion, txData.tx.abiVersion], ['ContractCreateTx', 8, 3]);
      assert.equal(txData.tx.gas, Math.floor(result.gasUsed * 1.25), 'the trial before used other gas');
      assert.equal(result.gasPrice, txData.tx.gasPrice);
    },
    'it is found, with its owner and its code': async () => {
      const { address } = deployed;
      assert.deepEqual(await node.getContract(address), {
        id: address, ownerId: sdk.address, vmVersion: 8, abiVersion: 3, active: true, referrerIds: [], deposit: 0n,
      });
      assert.equal((await node.getContractCode(address)).bytecode, (await compiled('Counter')).bytecode);
      const account = await node.getAccountByPubkey(address);
      assert.deepEqual([account.id, account.kind, account.payable, account.balance], [address, 'basic', true, 0n]);
    },
    'its code can be compared with a source': async () => {
      const options = { ...sdk.getContext(), address: deployed.address, validateBytecode: true };
      await Contract.initialize({ ...options, ...await compiled('Counter') });
      await Contract.initialize({ ...options, sourceCode: source('Counter') });
      const other = await refusal(async () => Contract.initialize({ ...options, ...await compiled('Token') }));
      assert.match(other, /bytecode do not correspond to the bytecode deployed on the chain/);
    },
    'an unknown contract is not found': async () => {
      const address = encode(Buffer.alloc(32, 9), Encoding.ContractAddress);
      const { aci } = await compiled('Counter');
      assert.match(await refusal(() => Contract.initialize({ ...sdk.getContext(), aci, address })), /error: Contract not found$/);
      assert.match(await refusal(() => node.getContractCode(address)), /error: Contract not found$/);
    },
    'a contract is deployed from its bytes, with coins': async () => {
      const rich = await Contract.initialize({ ...sdk.getContext(), ...await compiled('Counter') });
      const before = await balance(sdk.address);
      const { address, result, txData } = await rich.$deploy([0], { amount: COIN });
      assert.equal(await balance(address), COIN);
      assert.equal(before - await balance(sdk.address), COIN + charge(txData.tx, result.gasUsed));
    },
    'anybody reads it, also without an account': async () => {
      const { aci } = await compiled('Counter');
      const reader = new AeSdk({ nodes: [{ name: 'ledger', instance: node }] });
      const seen = await Contract.initialize({ ...reader.getContext(), aci, address: deployed.address });
      const { decodedResult, result } = await seen.get();
      assert.deepEqual([decodedResult, result.returnType, result.contractId], [10n, 'ok', deployed.address]);
      const stranger = MemoryAccount.generate();
      assert.equal((await counter.caller({ onAccount: stranger })).decodedResult, stranger.address);
    },
    'every kind of value goes there and comes back': async () => {
      const sets = [
        [-(2n ** 200n), true, 'grüß dich', sdk.address, [[1n, 'a'], [2n, '']], new Map([['x', 1n], ['', -1n]])],
        [0n, false, '', undefined, [], new Map()],
      ];
      for (const values of sets) assert.deepEqual((await counter.echo(...values)).decodedResult, values);
    },
    'a static call changes nothing': async () => {
      const before = await node.getAccountByPubkey(sdk.address);
      const tried = await counter.count(5, { callStatic: true });
      assert.deepEqual([tried.decodedResult, tried.result.callerId], [15n, sdk.address]);
      assert.deepEqual(events(tried), [['Noted', 'counted'], ['Counted', 15n, sdk.address]]);
      assert.equal((await counter.get()).decodedResult, 10n);
      assert.deepEqual(await node.getAccountByPubkey(sdk.address), before);
    },
    'static calls travel together': async () => {
      const nonce = (await node.getAccountByPubkey(sdk.address)).nonce + 1;
      const calls = await Promise.all([1, 2, 3].map((by) => counter.count(by, { callStatic: true, combine: true, nonce })));
      // One request, and each sees what those before it did.
      assert.deepEqual(calls.map(({ decodedResult }) => decodedResult), [11n, 13n, 16n]);
    },
    'a call on the ledger has a result and events, the newest first': async () => {
      const tried = await counter.count(5, { callStatic: true });
      const called = await counter.count(5);
      assert.equal(called.decodedResult, 15n);
      assert.deepEqual(called.decodedEvents, [
        { name: 'Noted', args: ['counted'], contract: { name: 'Counter', address: deployed.address } },
        { name: 'Counted', args: [15n, sdk.address], contract: { name: 'Counter', address: deployed.address } },
      ]);
      assert.equal(called.result.gasUsed, tried.result.gasUsed);
      const { tx } = called.txData;
      assert.deepEqual([tx.type, tx.callerId, tx.contractId, tx.abiVersion, tx.amount], ['ContractCallTx', sdk.address, deployed.address, 3, 0n]);
      assert.equal(tx.gas, Math.floor(called.result.gasUsed * 1.25));
      const again = await counter.$getCallResultByTxHash(called.hash, 'count');
      assert.deepEqual([again.decodedResult, again.decodedEvents], [called.decodedResult, called.decodedEvents]);
    },
    'a topic is the name\'s hash as a number': async () => {
      const { log } = (await counter.count(1, { callStatic: true })).result;
      const name = BigInt(`0x${Buffer.from(hash('Counted')).toString('hex')}`);
      const caller = BigInt(`0x${bytes(sdk.address).toString('hex')}`);
      assert.deepEqual(log[1], { address: deployed.address, topics: [name, 16n, caller], data: NOTHING });
    },
    'only gas that was used is paid': async () => {
      const before = await balance(sdk.address);
      const { result, txData } = await counter.count(1, { gasLimit: 1_000_000 });
      assert.ok(result.gasUsed < 100_000);
      assert.equal(before - await balance(sdk.address), charge(txData.tx, result.gasUsed));
    },
    'the past is read as it was': async () => {
      // The next key block stands behind all that was called so far.
      await sdk.awaitHeight((await node.getCurrentKeyBlock()).height + 1);
      const { height, hash: key } = await node.getCurrentKeyBlock();
      const then = (await counter.get({ top: key })).decodedResult;
      await counter.count(1);
      assert.equal((await counter.get()).decodedResult, then + 1n);
      assert.equal((await counter.get({ top: key })).decodedResult, then);
      assert.equal((await counter.get({ top: height })).decodedResult, then);
    },
    'a revert says its text': async () => {
      const text = 'not today: "ä" {1}';
      const count = (await counter.get()).decodedResult;
      // Tried before it is sent, tried only, and sent without a trial.
      for (const options of [{}, { callStatic: true }, { gasLimit: 100_000 }]) {
        assert.equal(await refusal(() => counter.refuse(text, options)), `Invocation failed: "${text}"`);
      }
      assert.equal(await refusal(() => counter.count(0)), 'Invocation failed: "only upwards"');
      const { returnType, log } = await send(counter, 'refuse', [text]);
      assert.deepEqual([returnType, log], ['revert', []]);
      assert.equal((await counter.get()).decodedResult, count);
    },
    'a revert costs the gas that it used, and returns the amount': async () => {
      const before = await balance(sdk.address);
      const sent = await counter.$call('refuse', ['no'], { callStatic: false, waitMined: false, gasLimit: 100_000, amount: COIN });
      const { gasUsed } = await info(sent);
      const { tx } = await node.getTransactionByHash(sent.hash);
      assert.ok(gasUsed < 100_000);
      assert.equal(before - await balance(sdk.address), charge(tx, gasUsed));
    },
    'an error of the machine is told by a trial, and kept without a text': async () => {
      assert.match(await refusal(() => counter.divide(1, 0)), /^Invocation failed: ".*division by zero.*"$/i);
      const { returnType, returnValue, gasUsed } = await send(counter, 'divide', [1, 0], { gasLimit: 50_000 });
      assert.deepEqual([returnType, returnValue, gasUsed], ['error', NOTHING, 50_000]);
    },
    'a call that never ends runs out of gas': async () => {
      assert.match(await refusal(() => counter.spin({ callStatic: true, gasLimit: 30_000 })), /^Invocation failed: "Out of gas"$/);
      assert.match(await refusal(() => counter.spin()), /^Invocation failed: "Out of gas"$/);
      const count = (await counter.get()).decodedResult;
      const before = await balance(sdk.address);
      const sent = await counter.$call('spin', [], { callStatic: false, waitMined: false, gasLimit: 30_000 });
      const { returnType, gasUsed, log } = await info(sent);
      assert.deepEqual([returnType, gasUsed, log], ['error', 30_000, []]);
      const { tx } = await node.getTransactionByHash(sent.hash);
      assert.equal(before - await balance(sdk.address), charge(tx));
      assert.equal((await counter.get()).decodedResult, count);
    },
    'more gas than a transaction may have is not sent': async () => {
      assert.match(await refusal(() => counter.count(1, { gasLimit: 7_000_000 })), /^Gas limit 7000000 must be less or equal to \d+$/);
    },
    'a function that takes no coins refuses them': async () => {
      assert.match(await refusal(() => counter.count(1, { amount: 1 })), /function "count" which is not payable/);
      const { aci } = await compiled('Counter');
      aci.at(-1).contract.functions.find(({ name }) => name === 'count').payable = true;
      // The same contract, seen by somebody who believes that it takes coins.
      const believed = await Contract.initialize({ ...sdk.getContext(), aci, address: deployed.address });
      assert.match(await refusal(() => believed.count(1, { amount: 1 })), /not payable/);
      const held = await balance(deployed.address);
      const { returnType } = await send(believed, 'count', [1], { amount: 5 });
      assert.deepEqual([returnType, await balance(deployed.address)], ['error', held]);
    },
    'a call pays, and the contract pays on': async () => {
      const friend = MemoryAccount.generate();
      const before = await balance(sdk.address);
      const { decodedResult, result, txData } = await counter.pay({ amount: 7n * COIN + 3n });
      assert.equal(decodedResult, 7n * COIN + 3n);
      assert.equal(before - await balance(sdk.address), 7n * COIN + 3n + charge(txData.tx, result.gasUsed));
      await counter.give(friend.address, COIN + 1n);
      assert.equal(await balance(friend.address), COIN + 1n);
      assert.equal(await balance(deployed.address), 6n * COIN + 2n);
      assert.match(await refusal(() => counter.give(friend.address, 10n ** 27n)), /^Invocation failed: /);
    },
    'coins are sent to a contract that takes them, and to no other': async () => {
      const held = await balance(deployed.address);
      await sdk.spend(4, deployed.address);
      assert.equal(await balance(deployed.address), held + 4n);
      const token = await Contract.initialize({ ...sdk.getContext(), ...await compiled('Token') });
      const { address } = await token.$deploy(['oak', 1]);
      assert.equal((await node.getAccountByPubkey(address)).payable, false);
      assert.match(await refusal(() => sdk.spend(1, address)), /Recipient account is not payable/);
      assert.match(await refusal(() => sdk.spend(1, address, { verify: false })), /Invalid tx \(not_payable\)/);
    },
    'a function that is not there is told': async () => {
      const { aci } = await compiled('Token');
      const wrong = await Contract.initialize({ ...sdk.getContext(), aci, address: deployed.address });
      assert.match(await refusal(() => wrong.supply()), /Error provided by node: "Trying to call undefined function: <<\d+,\d+,\d+,\d+>>/);
    },
    'a wrong number of arguments is told': async () => {
      const { aci } = await compiled('Counter');
      aci.at(-1).contract.functions.find(({ name }) => name === 'get').arguments.push({ name: 'more', type: 'int' });
      const wrong = await Contract.initialize({ ...sdk.getContext(), aci, address: deployed.address });
      assert.match(await refusal(() => wrong.get(1)), /Error provided by node: "Expected 0 arguments, got 1"/);
    },
    'a trial of what cannot stand says why': async () => {
      const contractId = encode(Buffer.alloc(32, 9), Encoding.ContractAddress);
      const tx = await sdk.buildTx({
        tag: Tag.ContractCallTx, callerId: sdk.address, contractId, amount: 0, gasLimit: 1_000, callData: NOTHING,
      });
      assert.match(await refusal(() => sdk.txDryRun(tx, sdk.address)), /contract/i);
    },
    'a contract whose init fails is not there, and what was paid comes back': async () => {
      const token = await Contract.initialize({ ...sdk.getContext(), ...await compiled('Token') });
      assert.equal(await refusal(() => token.$deploy(['oak', -1])), 'Invocation failed: "less than nothing"');
      const failing = await Contract.initialize({ ...sdk.getContext(), ...await compiled('Token') });
      const before = await balance(sdk.address);
      const sent = await failing.$deploy(['oak', -1], { waitMined: false, gasLimit: 100_000, amount: COIN });
      const { returnType, gasUsed } = await info({ hash: sent.transaction });
      const { tx } = await node.getTransactionByHash(sent.transaction);
      assert.equal(returnType, 'revert');
      assert.equal(before - await balance(sdk.address), charge(tx, gasUsed));
      assert.match(await refusal(() => node.getContract(sent.address)), /Contract not found$/);
    },
    'a token moves between accounts': async () => {
      const token = await Contract.initialize({ ...sdk.getContext(), sourceCode: source('Token') });
      const made = await token.$deploy(['oak', 100]);
      assert.deepEqual(made.decodedEvents.map(({ name, args }) => [name, ...args]), [['Minted', sdk.address, 100n, 'oak']]);
      const friend = await newcomer(sdk, COIN);
      const moved = await token.transfer(friend.address, 30);
      assert.deepEqual(moved.decodedResult, []);
      assert.deepEqual(events(moved), [['Transfer', sdk.address, friend.address, 30n]]);
      await token.transfer(sdk.address, 1, { onAccount: friend });
      const held = async (one) => (await token.balance(one)).decodedResult;
      assert.deepEqual([await held(sdk.address), await held(friend.address)], [71n, 29n]);
      assert.equal(await held(MemoryAccount.generate().address), undefined);
      assert.equal(await refusal(() => token.transfer(sdk.address, 30, { onAccount: friend })), 'Invocation failed: "not enough tokens"');
      assert.equal(await refusal(() => token.close({ onAccount: friend })), 'Invocation failed: "only the creator"');
      assert.deepEqual(events(await token.close()), [['Closed']]);
      assert.equal(await held(sdk.address), undefined);
    },
    'a contract makes another': async () => {
      factory = await Contract.initialize({ ...sdk.getContext(), sourceCodePath: path('Factory') });
      const { address } = await factory.$deploy([]);
      const { decodedResult: made, decodedEvents } = await factory.make('oak');
      assert.deepEqual(decodedEvents.map(({ name, args }) => [name, ...args]), [['Made', made]]);
      const { ownerId, active } = await node.getContract(made);
      assert.deepEqual([bytes(ownerId), active], [bytes(address), true]);
      const { aci } = await compiled('Leaf');
      leaf = await Contract.initialize({ ...sdk.getContext(), aci, address: made });
      assert.equal((await leaf.label()).decodedResult, 'oak');
      assert.deepEqual(bytes((await leaf.maker()).decodedResult), bytes(address));
    },
    'a contract is cloned, and lives by itself': async () => {
      const template = leaf.$options.address;
      const cloned = await factory.clone(template, 'elm');
      const copy = cloned.decodedResult;
      assert.deepEqual(events(cloned), [['Cloned', copy, template]]);
      assert.notEqual(copy, template);
      assert.deepEqual((await factory.made()).decodedResult, [copy, template]);
      assert.equal((await node.getContractCode(copy)).bytecode, (await node.getContractCode(template)).bytecode);
      const { aci } = await compiled('Leaf');
      const twin = await Contract.initialize({ ...sdk.getContext(), aci, address: copy });
      await twin.touch('only the copy');
      assert.deepEqual([(await twin.label()).decodedResult, (await twin.touched()).decodedResult], ['elm', 1n]);
      assert.deepEqual([(await leaf.label()).decodedResult, (await leaf.touched()).decodedResult], ['oak', 0n]);
    },
    'an event of another contract names that contract': async () => {
      const address = leaf.$options.address;
      const { decodedResult, decodedEvents } = await factory.touch(address, 'from afar');
      assert.deepEqual([decodedResult, decodedEvents], [1n, [{ name: 'Touched', args: [1n, 'from afar'], contract: { name: 'Leaf', address } }]]);
    },
    'a payment has no result of a call': async () => {
      const { hash: payment } = await sdk.spend(1, sdk.address);
      const { status } = await ask(`${url}/v3/transactions/${payment}/info`);
      assert.ok(status === 400 || status === 404, `${status}`);
    },
  });
}
