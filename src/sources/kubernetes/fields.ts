import { ABSOLUTE_PATH, type NamedField } from '../../config';
import { ALLOW_HTTP } from '../remote/fields';

/** Fields of sources of type `kubernetes`. */
export const KUBERNETES_FIELDS = [
  {
    namespaces: {
      type: 'array',
      description: 'kubernetes: where to look. Empty: in all, or in the own one if only that is allowed.',
      required: true,
      default: [],
      elements: { type: 'string' },
    },
  },
  {
    names: {
      type: 'array',
      description: 'kubernetes: these Secrets. Empty: every one of type kubernetes.io/tls.',
      required: true,
      default: [],
      elements: { type: 'string' },
    },
  },
  { label_selector: { type: 'string', description: 'kubernetes: only Secrets with these labels.' } },
  {
    only_marked: {
      type: 'boolean',
      description: 'kubernetes: only Secrets of cert-manager, or with konghq.com/override: "true".',
      required: true,
      default: false,
    },
  },
  {
    hosts: {
      type: 'string',
      description:
        'kubernetes: the SNIs of created certificates: all names of the leaf, those of cert-manager.io/alt-names, or the hosts of Ingresses and Gateways.',
      required: true,
      default: 'leaf',
      one_of: ['leaf', 'annotations', 'references'],
    },
  },
  {
    kubeconfig: {
      type: 'string',
      description: 'kubernetes: outside of a cluster, how to reach it.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    password_secret: {
      type: 'string',
      description:
        'kubernetes: NAME or NAME/KEY of the Secret, in the namespace of each keystore, that holds the password.',
    },
  },
  {
    resource: {
      type: 'string',
      description: 'kubernetes with trust: whether the CAs stand in Secrets or in ConfigMaps.',
      required: true,
      default: 'secrets',
      one_of: ['secrets', 'configmaps'],
    },
  },
  ALLOW_HTTP,
  { context: { type: 'string', description: 'kubernetes: the context of the kubeconfig.' } },
] as const satisfies readonly NamedField[];
