export { ALERT_NAMES, type Alert, type AlertFacts, type AlertKind, type Condition } from './alert';
export { Alerting, type AlertingOptions } from './alerting';
export { changesOf, type AlertState } from './changes';
export { eachCondition, type Observed } from './conditions';
export { FORMATS } from './formats';
export { Outbox, type Delivery } from './outbox';
export { Webhook } from './webhook';
