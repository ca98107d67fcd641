// The SDK accepts the node, its version and its protocol.
import assert from 'node:assert/strict';
import { ask, connect, run } from './lib.mjs';

export default async function check(title, url) {
  const { node } = await connect(url);
  return run(`${title} 01-connect`, {
    'the version is one that the SDK supports': async () => {
      const info = await node.getNodeInfo();
      assert.equal(info.consensusProtocolVersion, 6);
      assert.match(info.version, /^7\.4\.0-banyan\./);
    },
    'the network id is the ledger\'s': async () => {
      const ours = (await ask(`${url}/banyan/v1/status`)).json();
      assert.equal(await node.getNetworkId(), ours.network_id);
      assert.equal((await ask(`${url}/v3/status`)).headers.get('banyan-version'), ours.version);
    },
    'the SDK learns how often to poll': async () => {
      assert.equal(await node._isHyperchain(), true);
    },
    'a page of any origin may ask': async () => {
      const headers = { origin: 'https://example.org', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
      const answer = await ask(`${url}/v3/transactions`, { method: 'OPTIONS', headers });
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
      assert.match(answer.headers.get('access-control-allow-headers'), /content-type/);
    },
    'the coin has a name': async () => {
      const currency = await node.getCurrency();
      assert.equal(currency.symbol, 'BNY');
      assert.equal(BigInt(currency.subunitsPerUnit), 10n ** 18n);
    },
  });
}
