export { Trust, type TrustOptions } from './trust';
