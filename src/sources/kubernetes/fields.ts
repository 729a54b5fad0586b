import { ABSOLUTE_PATH, type NamedField } from '../../config';
import { ALLOW_HTTP } from '../remote/fields';

/** Fields of sources of type `kubernetes`. */
export const KUBERNETES_FIELDS = [
  {
    namespaces: {
      type: 'array',
      description:
        "kubernetes: namespaces to read. Empty: all of them, or only the pod's own if the rights reach no further.",
      required: true,
      default: [],
      elements: { type: 'string' },
    },
  },
  {
    names: {
      type: 'array',
      description:
        'kubernetes: Secrets to read, of any type. Empty: every Secret of type `kubernetes.io/tls`.',
      required: true,
      default: [],
      elements: { type: 'string' },
    },
  },
  {
    label_selector: {
      type: 'string',
      description: 'kubernetes: only Secrets with these labels, of any type.',
    },
  },
  {
    only_marked: {
      type: 'boolean',
      description:
        'kubernetes: only Secrets that cert-manager made, or that have the annotation `konghq.com/override: "true"`.',
      required: true,
      default: false,
    },
  },
  {
    hosts: {
      type: 'string',
      description:
        'kubernetes: the SNIs of a certificate that is created. `leaf`: every name of the leaf. `annotations`: the names in the annotation `cert-manager.io/alt-names`. `references`: the hosts for which Ingresses, Gateways and ListenerSets refer to the Secret.',
      required: true,
      default: 'leaf',
      one_of: ['leaf', 'annotations', 'references'],
    },
  },
  {
    kubeconfig: {
      type: 'string',
      description:
        "kubernetes: kubeconfig file, for a gateway outside of the cluster. Empty: the pod's service account.",
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    password_secret: {
      type: 'string',
      description:
        'kubernetes: Secret that holds the password, as `NAME` or `NAME/KEY`, in the namespace of each keystore.',
    },
  },
  {
    resource: {
      type: 'string',
      description: 'kubernetes: with `trust`, where the CA certificates are: in Secrets or in ConfigMaps.',
      required: true,
      default: 'secrets',
      one_of: ['secrets', 'configmaps'],
    },
  },
  ALLOW_HTTP,
  {
    context: {
      type: 'string',
      description: 'kubernetes: context of the kubeconfig. Empty: its current context.',
    },
  },
] as const satisfies readonly NamedField[];
