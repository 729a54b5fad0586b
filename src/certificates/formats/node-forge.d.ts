/** Single modules of node-forge: its whole is ten times what is needed. */
declare module 'node-forge/lib/asn1.js' {
  import type { asn1 } from 'node-forge';
  const found: typeof asn1;
  export default found;
}

declare module 'node-forge/lib/rc2.js' {
  import type { rc2 } from 'node-forge';
  const found: typeof rc2;
  export default found;
}

declare module 'node-forge/lib/util.js' {
  import type { util } from 'node-forge';
  const found: typeof util;
  export default found;
}
