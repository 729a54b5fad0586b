import { namesWarning, provisionalIssuerOf } from '../certificates';
import { refusal, type Refusal, type SourcedBundle, type StoredCertificate } from '../model';
import { covers, listed } from './names';
import { isFromOperator } from './ranking';

/*
 * Reasons why a bundle does not get a certificate. A tenant reads the sentences about its own Secret: they name
 * nothing that the Secret does not contain.
 */

const date = (ms: number) => new Date(ms).toISOString();

const own = ({ leaf }: SourcedBundle, { snis }: StoredCertificate) => snis.filter((sni) => covers(leaf, sni));

export function vaultReference({ id }: StoredCertificate): Refusal {
  return refusal('vault_reference', `certificate ${id} in Kong is a vault reference; its vault renews it`);
}

export function notForServers({ location }: SourcedBundle): Refusal {
  return refusal(
    'not_for_servers',
    `${location} is not for servers (key usage, extended key usage); issue it with digitalSignature and serverAuth`,
  );
}

/** @param until expiry of the certificate in Kong (milliseconds since the epoch) */
export function namesNotCovered(
  bundle: SourcedBundle,
  { id, owner }: StoredCertificate,
  missing: readonly string[],
  until: number | null,
): Refusal {
  const what = isFromOperator(bundle) ? listed(missing) : `${missing.length} names`;
  const later = until === null ? '' : `; it will be used anyway when that one expires, at ${date(until)}`;
  const whose = owner === 'us' ? '' : '; somebody else created that one, so it is not divided';
  return refusal(
    'names_not_covered',
    `${bundle.location} does not cover ${what}, which certificate ${id} in Kong serves${whose}; issue it with every name, or remove the SNI in Kong${later}`,
  );
}

export function chainIncomplete(
  { location, openEnd }: SourcedBundle,
  { id }: StoredCertificate,
  until: number,
): Refusal {
  return refusal(
    'chain_incomplete',
    `${location} lacks the certificate of its issuer (${openEnd ?? 'unknown'}), and certificate ${id} in Kong comes with its chain; put the chain into the file or beside it (chain.pem); it will be used anyway when the one in Kong expires, at ${date(until)}`,
  );
}

export function older({ location, leaf }: SourcedBundle, { id }: StoredCertificate): Refusal {
  return refusal(
    'older_than_stored',
    `${location} is older (valid from ${date(leaf.notBefore)} until ${date(leaf.notAfter)}) than certificate ${id} in Kong; set allow_downgrade to use it anyway`,
  );
}

export function issuerChanged(bundle: SourcedBundle, certificate: StoredCertificate): Refusal {
  const { location, leaf } = bundle;
  const names = listed(own(bundle, certificate));
  const which = names === '' ? 'as a client' : `for ${names}`;
  if (certificate.snis.length === 0 || (certificate.clients ?? []).length > 0) {
    const services = listed(certificate.clients ?? []);
    const shown = services === '' ? 'services may show' : `${services} shows`;
    return refusal(
      'issuer_changed',
      `${location} is from another issuer than certificate ${certificate.id} in Kong, which ${shown} to upstreams; put it into Kong by hand once if the upstream trusts it`,
    );
  }
  return refusal(
    'issuer_changed',
    leaf.isSelfIssued === true
      ? `${location} is self-signed and does not replace a certificate that a CA issued; Kong's certificate ${which} stays`
      : `${location} is from another issuer than what Kong has ${which}, and nothing vouches for it; name the Secret (names and namespaces) in a source, or its CA in trusted_issuers_file`,
  );
}

/** @param until expiry of the certificate in Kong (milliseconds since the epoch) */
export function provisional(
  { location, reach }: SourcedBundle,
  { id }: StoredCertificate,
  until: number,
): Refusal {
  const issuer = provisionalIssuerOf(reach);
  const what = issuer === null ? 'is self-signed' : `is from ${issuer}, a CA for trials`;
  return refusal(
    'issuer_changed',
    `${location} ${what}, and clients trust certificate ${id} in Kong; issue it with a CA that clients trust, or set allow_downgrade; it will be used anyway when the one in Kong expires, at ${date(until)}`,
  );
}

/** @param names names that another place has */
export function nameOfAnother(
  bundle: SourcedBundle,
  names: readonly string[],
  until: number | null,
): Refusal {
  const later = until === null ? '' : `, at ${date(until)} at the latest`;
  return refusal(
    'name_of_another',
    `${bundle.location} has ${listed(names)}, which Kong has from another place; it will be used when that place is gone or has no valid certificate any more${later}; remove the name from one of the two`,
  );
}

/** @param until expiry of the certificate in Kong (milliseconds since the epoch) */
export function losesClientAuth(
  { location }: SourcedBundle,
  { id, clients = [] }: StoredCertificate,
  until: number,
): Refusal {
  const services = clients.length === 0 ? 'services may show' : `${listed(clients)} shows`;
  return refusal(
    'loses_client_auth',
    `${location} is not for clients (extended key usage clientAuth), and ${services} certificate ${id} in Kong to an upstream; give the service a client certificate of its own, or issue this one with clientAuth; it will be used anyway when the one in Kong expires, at ${date(until)}`,
  );
}

export function noNames({ location, hosts = [], leaf }: SourcedBundle): Refusal {
  return hosts.length === 0
    ? refusal(
        'no_names',
        `${location} has no name that Kong can serve it for; ${namesWarning(leaf) ?? 'it has no names'}`,
      )
    : refusal(
        'names_not_covered',
        `${location} has to serve ${listed(hosts)} and covers none of these; issue it with these names`,
      );
}

export function controllers({ location }: SourcedBundle, { id }: StoredCertificate): Refusal {
  return refusal(
    'managed_elsewhere',
    `certificate ${id} in Kong belongs to the ingress controller, which takes it from its Secret; ${location} is left out`,
  );
}

/** A note, no refusal. */
export function keptFromWildcard({ location }: SourcedBundle, { id, snis }: StoredCertificate): string {
  return `certificate ${id} in Kong has ${listed(snis)} from another issuer and is not due yet; the wildcard of ${location} does not replace it`;
}

/** A note, no refusal. */
export const gainedNames = (
  { location }: SourcedBundle,
  { id }: StoredCertificate,
  names: readonly string[],
): string =>
  `certificate ${id} in Kong has no SNI for ${listed(names)}, which ${location} covers; add them there, or set add_names`;

/** A note, no refusal. */
export function besideController({ location, secret }: SourcedBundle, names: readonly string[]): string {
  const by = names.includes('*') ? 'a Gateway listener without a hostname' : 'an Ingress or Gateway';
  const what =
    secret === undefined
      ? `put it into a Secret that ${by} refers to`
      : `refer to Secret ${secret.namespace}/${secret.name} in ${by}`;
  return `beside the ingress controller no certificate is created for ${listed(names)} of ${location}; ${what}`;
}

/** A note, no refusal. */
export const mayBlockController = ({ location }: SourcedBundle, names: readonly string[]): string =>
  `the plugin's certificate of ${location} holds ${listed(names)}: an Ingress or Gateway that asks for it would fail in the ingress controller and block every later change; to hand the certificate over, the plugin needs list and watch on ingresses and gateways (deploy/kubernetes/rbac-*.yaml)`;

/** A note, no refusal. */
export const caOfIssuer = ({ location }: SourcedBundle): string =>
  `${location} holds a CA certificate, which is for an issuer and is not served`;
