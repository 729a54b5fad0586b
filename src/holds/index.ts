export { Holds, type HoldsOptions } from './holds';
