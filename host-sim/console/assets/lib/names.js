// The names of what the ledger knows, as people read them. What is not listed is shown as the node says it.

export const KINDS = {
  'transfer': 'Transfer',
  'swap-exact-in': 'Swap, exact input',
  'swap-exact-out': 'Swap, exact output',
  'add-liquidity': 'Add liquidity',
  'remove-liquidity': 'Remove liquidity',
  'create-pool': 'Create pool',
  'create-account': 'Create account',
  'rotate-authority': 'Replace keys',
  'set-frozen': 'Freeze or unfreeze',
  'close-account': 'Close account',
  'create-asset': 'Create asset',
  'issue': 'Issue',
  'burn': 'Burn',
  'stand': 'Stand as validator',
  'leave': 'Leave as validator',
  'delegate': 'Delegate stake',
  'unbond': 'Unbond stake',
  'withdraw': 'Withdraw stake',
  'report': 'Report votes',
};

export const kindName = (kind) => KINDS[kind] ?? kind;

/** min_amount_out and time_ms as words: `Min amount out`, `Time`. */
export function fieldName(field) {
  const words = field.replace(/_ms$/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const SCOPES = {
  read: 'read the ledger',
  transfer: 'transfer from accounts in custody',
  swap: 'swap for accounts in custody',
  liquidity: 'provide liquidity for accounts in custody',
  issue: 'issue and burn assets of accounts in custody',
  account: 'open accounts in custody',
  metrics: 'read alerts and figures',
  operate: 'acknowledge and silence alerts',
  admin: 'manage API keys and sessions',
  audit: 'read the audit log',
};

export const scopeName = (scope) => SCOPES[scope] ?? scope;
