// Which page an address shows.

import { Access } from './access.js';
import { Account } from './account.js';
import { Accounts } from './accounts.js';
import { Alerts } from './alerts.js';
import { ApiKeys } from './api-keys.js';
import { Asset, Assets } from './assets.js';
import { Audit } from './audit.js';
import { Block } from './block.js';
import { Blocks } from './blocks.js';
import { Device } from './device.js';
import { Overview } from './overview.js';
import { Pool } from './pool.js';
import { Pools } from './pools.js';
import { SendAccount, SendLiquidity, SendSupply, SendSwap, SendTransfer } from './send.js';
import { Sessions } from './sessions.js';
import { Transaction } from './transaction.js';
import { Transactions } from './transactions.js';
import { Validators } from './validators.js';

export const PAGES = [
  ['', Overview],
  ['transactions', Transactions],
  ['transactions/:id', Transaction],
  ['blocks', Blocks],
  ['blocks/:height', Block],
  ['accounts', Accounts],
  ['accounts/:id', Account],
  ['pools', Pools],
  ['pools/:id', Pool],
  ['assets', Assets],
  ['assets/:id', Asset],
  ['send', SendTransfer],
  ['send/swap', SendSwap],
  ['send/liquidity', SendLiquidity],
  ['send/supply', SendSupply],
  ['send/account', SendAccount],
  ['device', Device],
  ['alerts', Alerts],
  ['validators', Validators],
  ['access', Access],
  ['access/keys', ApiKeys],
  ['access/sessions', Sessions],
  ['access/audit', Audit],
];
