import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithCluster } from '../kubernetes/suite';
import { issue } from '../support/bundles';
import { testFolder } from '../support/folders';
import { readerOf, troubles } from '../support/remote-source';
import { describeWithVault } from './real-vault';

const { chain, key } = issue();

describeWithVault('a real Vault', (vault) => {
  describeWithCluster('that has tokens checked by a real API server', (cluster) => {
    it('lets the service account in that its role is bound to, and says what is wrong with others', async () => {
      const review = { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] };
      await cluster().createNamespace('edge');
      await cluster().createServiceAccount('edge', 'vault', [review], { clusterWide: true });
      await cluster().createServiceAccount('edge', 'kong', []);
      await cluster().createServiceAccount('edge', 'stranger', []);
      await vault().call('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
      await vault().call('POST', 'auth/kubernetes/config', {
        kubernetes_host: cluster().url,
        kubernetes_ca_cert: readFileSync(cluster().caFile, 'utf8'),
        token_reviewer_jwt: await cluster().token('edge', 'vault'),
        disable_local_ca_jwt: true,
      });
      await vault().call('PUT', 'sys/policies/acl/edge', {
        policy: 'path "secret/*" { capabilities = ["read", "list"] }',
      });
      await vault().call('POST', 'auth/kubernetes/role/kong', {
        bound_service_account_names: 'kong',
        bound_service_account_namespaces: 'edge',
        token_policies: 'edge',
        token_ttl: '1h',
      });
      await vault().call('POST', 'secret/data/certs/www', { data: { 'tls.crt': chain, 'tls.key': key } });

      const scanAs = async (account: string, role: string) => {
        const jwt = join(testFolder(), 'token');
        writeFileSync(jwt, account === '' ? 'no.token.this' : await cluster().token('edge', account));
        const source = { type: 'vault', url: vault().url, ca_file: vault().caFile, secret_path: 'certs/www' };
        return readerOf({ ...source, role, jwt_file: jwt }).pass();
      };
      expect(await scanAs('kong', 'kong')).toMatchObject({ changed: ['certs/www'], errors: [] });
      expect(troubles(await scanAs('stranger', 'kong'))).toMatch(
        /^forbidden: .* refuses the login \(403\): the role does not allow this service account$/,
      );
      expect(troubles(await scanAs('kong', 'other'))).toMatch(
        /^forbidden: .* refuses the login \(400\): there is no role of this name$/,
      );
      expect(troubles(await scanAs('', 'kong'))).toMatch(/^(forbidden|unreachable): /);
    });
  });
});
