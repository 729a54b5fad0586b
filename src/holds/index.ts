export { Holds, holdsPath, type HoldsOptions } from './holds';
