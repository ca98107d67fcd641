// Balances, nonces, heights, blocks, generations, and what is not there.
import assert from 'node:assert/strict';
import { MemoryAccount } from '@aeternity/aepp-sdk';
import { account, ask, COIN, connect, refusal, run } from './lib.mjs';

export default async function check(title, url) {
  const { node, sdk } = await connect(url);
  const { address } = await account(0);
  const stranger = MemoryAccount.generate().address;
  return run(`${title} 02-read`, {
    'a balance is exact to the last unit': async () => {
      const balance = BigInt(await sdk.getBalance(address));
      assert.ok(balance > COIN, `${balance}`);
      const shown = /"balance":(\d+)/.exec((await ask(`${url}/v3/accounts/${address}`)).text)[1];
      assert.equal(balance, BigInt(shown));
      const known = await node.getAccountByPubkey(address);
      assert.deepEqual([known.kind, known.payable, known.id], ['basic', true, address]);
    },
    'an unknown account has nothing and starts at nonce 1': async () => {
      assert.equal(await sdk.getBalance(stranger), '0');
      assert.equal((await node.getAccountNextNonce(stranger)).nextNonce, 1);
      assert.match(await refusal(() => node.getAccountByPubkey(stranger)), /error: Account not found$/);
    },
    'the height moves on': async () => {
      const height = await sdk.getHeight();
      assert.ok(await sdk.awaitHeight(height + 1) > height);
    },
    'a key block is the same by height and by hash': async () => {
      const { height, hash } = await node.getCurrentKeyBlock();
      assert.deepEqual(await node.getKeyBlockByHeight(height), await node.getKeyBlockByHash(hash));
      assert.ok(Math.abs(Date.now() - (await node.getKeyBlockByHeight(height)).time) < 600_000);
    },
    'a generation names its key block and its micro blocks': async () => {
      const current = await node.getCurrentGeneration();
      const again = await node.getGenerationByHash(current.keyBlock.hash);
      assert.equal(again.keyBlock.height, current.keyBlock.height);
      const before = await node.getGenerationByHeight(current.keyBlock.height - 1);
      assert.ok(before.microBlocks.every((hash) => hash.startsWith('mh_')));
      const last = before.microBlocks.at(-1) ?? before.keyBlock.hash;
      assert.equal(current.keyBlock.prevHash, last);
    },
    'an account is read at a height and at a block': async () => {
      const block = await node.getCurrentKeyBlock();
      const there = await node.getAccountByPubkeyAndHeight(address, block.height);
      assert.deepEqual(there, await node.getAccountByPubkeyAndHash(address, block.hash));
    },
    'a height above the top is not there yet': async () => {
      const far = (await sdk.getHeight()) + 1_000_000;
      assert.match(await refusal(() => node.getKeyBlockByHeight(far)), /Block not found/);
    },
    'names, oracles and contracts are not there': async () => {
      assert.match(await refusal(() => node.getNameEntryByName('banyan.chain')), /Name not found/);
      assert.match(await refusal(() => node.getOracleByPubkey(address.replace('ak_', 'ok_'))), /Oracle not found/);
    },
    'prices are told for four spans': async () => {
      const prices = await node.getRecentGasPrices();
      assert.deepEqual(prices.map(({ minutes }) => minutes), [1, 5, 15, 60]);
      assert.ok(prices.every(({ minGasPrice, utilization }) => minGasPrice > 0n && utilization <= 100));
    },
  });
}
