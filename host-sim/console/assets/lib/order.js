// A transfer or a swap on its way: form, review, signed, final. It promises that nothing is signed but what was reviewed, and that asking
// again never does it twice: the key of idempotency is made once for what is reviewed, and stays until something else is.

import { useEffect, useRef, useState } from '../vendor/htm-preact.js';
import { get, path, post } from './api.js';
import { live } from './live.js';

const ASK_MS = 15_000;

const AT_THE_FORM = { stage: 'form', lines: null, sent: null, transaction: null, problem: null, busy: false };

/**
 * where: '/transaction' or '/swap'. Stages: 'form', 'review' (lines: what the device will show), 'sent' (sent: the node's answer),
 * 'final' (transaction: as the block holds it), 'expired'.
 */
export function useOrder(where) {
  const [order, setOrder] = useState(AT_THE_FORM);
  const body = useRef(null);
  const key = useRef(null);
  const patch = (part) => setOrder((before) => ({ ...before, ...part }));

  const attempt = async (action) => {
    patch({ busy: true, problem: null });
    try {
      patch({ busy: false, ...(await action()) });
    } catch (problem) {
      patch({ busy: false, problem });
    }
  };

  const preview = (asked) => attempt(async () => {
    const { summary } = await post(`${where}?preview=true`, { json: asked });
    if (JSON.stringify(asked) !== JSON.stringify(body.current)) key.current = newKey();
    body.current = asked;
    return { stage: 'review', lines: summary };
  });

  const sign = () => attempt(async () => {
    const sent = await post(where, { json: body.current, headers: { 'Idempotency-Key': key.current } });
    return { stage: 'sent', sent };
  });

  const back = () => patch({ stage: 'form', problem: null });

  const restart = () => {
    body.current = null;
    setOrder(AT_THE_FORM);
  };

  useEffect(() => {
    if (order.stage !== 'sent') return undefined;
    return untilFinal(order.sent, (end) => patch(end));
  }, [order.stage]);

  return { ...order, preview, sign, back, restart };
}

// crypto.randomUUID exists in secure contexts only; a node without TLS on another machine is none.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Watches the stream for a transaction, and asks for it now and then in case the stream missed it. Returns what ends it. */
function untilFinal({ id, last_valid_height: lastHeight }, tell) {
  let over = false;
  let timer = null;
  const end = (result) => {
    if (over) return;
    over = true;
    clearInterval(timer);
    unwatch();
    if (result) tell(result);
  };
  const found = (transaction) => {
    // Where work decides, a block may still be replaced.
    if (transaction.final !== false) end({ stage: 'final', transaction });
  };
  const ask = async () => {
    // Its height first: a block that comes between the two questions must not look like the end.
    const height = live.get().blocks[0]?.height ?? 0;
    try {
      found(await get(path`/transaction/${id}`));
    } catch (problem) {
      if (problem.status === 404 && height > lastHeight) end({ stage: 'expired' });
    }
  };
  const look = ({ transactions }) => {
    const seen = transactions.find((transaction) => transaction.id === id);
    if (seen) found(seen);
  };
  const unwatch = live.watch(look);
  timer = setInterval(ask, ASK_MS);
  look(live.get());
  return () => end(null);
}
