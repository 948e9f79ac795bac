//! Kernels over a few words, least significant word first, with division by multiplication with a reciprocal
//! (Moeller and Granlund 2011).
//!
//! They are generic over the [`Word`], so that tests run the very same code at a width where every input can be tried.
//! Nothing here can panic: sizes are fixed by the types, and what could not fit is `None`.
//!
//! On hosts all of it is inlined, for speed; on a device the larger kernels are called, for room.

use core::hint::cold_path;

use super::word::Word;

/// A quotient of two words, and whether the division left a remainder.
pub(crate) type Quotient<W> = (<W as Word>::Double, bool);

/// The product of two double words.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn mul_2x2<W: Word>(a: W::Double, b: W::Double) -> [W; 4] {
    let (a0, a1, b0, b1) = (W::low(a), W::high(a), W::low(b), W::high(b));
    let low = a0.wide_mul(b0);
    let middle = a1.mul_add2(b0, W::high(low), W::ZERO);
    let other = a0.mul_add2(b1, W::low(middle), W::ZERO);
    let high = a1.mul_add2(b1, W::high(middle), W::high(other));
    [W::low(low), W::low(other), W::low(high), W::high(high)]
}

/// The product of a double word and a word.
#[inline(always)]
pub(crate) fn mul_2x1<W: Word>(a: W::Double, b: W) -> [W; 3] {
    let low = W::low(a).wide_mul(b);
    let high = W::high(a).mul_add2(b, W::high(low), W::ZERO);
    [W::low(low), W::low(high), W::high(high)]
}

/// The product of a double word and three words.
#[inline(always)]
pub(crate) fn mul_2x3<W: Word>(a: W::Double, b: [W; 3]) -> [W; 5] {
    let [b0, b1, b2] = b;
    let [p0, p1, p2, p3] = mul_2x2::<W>(a, W::join(b1, b0));
    let [t0, t1, t2] = mul_2x1::<W>(a, b2);
    let (p2, carry) = p2.add(t0);
    let (p3, carry) = p3.add_carry(t1, carry);
    let (p4, _) = t2.add_carry(W::ZERO, carry);
    [p0, p1, p2, p3, p4]
}

/// The sum of three words and three words, `None` if it needs a fourth.
#[inline(always)]
pub(crate) fn add_3<W: Word>(a: [W; 3], b: [W; 3]) -> Option<[W; 3]> {
    let ([a0, a1, a2], [b0, b1, b2]) = (a, b);
    let (s0, carry) = a0.add(b0);
    let (s1, carry) = a1.add_carry(b1, carry);
    let (s2, carry) = a2.add_carry(b2, carry);
    if carry { None } else { Some([s0, s1, s2]) }
}

/// Divides `(u1, u0)` by `d`, whose top bit is set and which is above `u1`; `v` is its reciprocal.
#[inline(always)]
pub(crate) fn div_2_by_1<W: Word>(u1: W, u0: W, d: W, v: W) -> (W, W) {
    let q = W::double_add(v.wide_mul(u1), W::join(u1, u0));
    let (q1, _) = W::high(q).add(W::ONE);
    let (r, _) = u0.sub(q1.mul_low(d));
    let (q1, r) = if r > W::low(q) { (q1.sub(W::ONE).0, r.add(d).0) } else { (q1, r) };
    if r >= d {
        cold_path();
        return (q1.add(W::ONE).0, r.sub(d).0);
    }
    (q1, r)
}

/// The reciprocal of a double word for [`div_3_by_2`]; its top bit is set.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn reciprocal_2<W: Word>(d: W::Double) -> W {
    let (d1, d0) = (W::high(d), W::low(d));
    let v = d1.reciprocal();
    // Nothing here branches: which of the corrections are needed is a matter of chance.
    let (p, carried) = d1.mul_low(v).add(d0);
    let twice = carried & (p >= d1);
    let v = v.sub(W::ONE.when(carried)).0.sub(W::ONE.when(twice)).0;
    let p = p.sub(d1.when(carried)).0.sub(d1.when(twice)).0;
    let t = v.wide_mul(d0);
    let (p, carried) = p.add(W::high(t));
    let twice = carried & (W::join(p, W::low(t)) >= d);
    v.sub(W::ONE.when(carried)).0.sub(W::ONE.when(twice)).0
}

/// Divides `(u, u0)` by `d`, whose top bit is set and which is above `u`; `v` is [`reciprocal_2`] of it.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn div_3_by_2<W: Word>(u: W::Double, u0: W, d: W::Double, v: W) -> (W, W::Double) {
    let q = W::double_add(v.wide_mul(W::high(u)), u);
    let (r1, _) = W::low(u).sub(W::high(q).mul_low(W::high(d)));
    let (r, _) = W::double_sub(W::join(r1, u0), W::low(d).wide_mul(W::high(q)));
    let (r, _) = W::double_sub(r, d);
    let (mut q1, _) = W::high(q).add(W::ONE);
    let mut r = r;
    if W::high(r) >= W::low(q) {
        q1 = q1.sub(W::ONE).0;
        r = W::double_add(r, d);
    }
    if r >= d {
        cold_path();
        q1 = q1.add(W::ONE).0;
        r = W::double_sub(r, d).0;
    }
    (q1, r)
}

/// Divides four words by two. `None` if the divisor is zero or the quotient needs more than two words.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn div_4_by_2<W: Word>(u: [W; 4], d: W::Double) -> Option<Quotient<W>> {
    let [u0, u1, u2, u3] = u;
    if W::join(u3, u2) >= d {
        return None;
    }
    let (d1, d0) = (W::high(d), W::low(d));
    if d1 == W::ZERO {
        // The quotient fits, so u3 is zero and u2 is below d0.
        let s = d0.leading_zeros();
        let d0 = W::shl_pair(d0, W::ZERO, s);
        let v = d0.reciprocal();
        let (q1, r) = div_2_by_1(W::shl_pair(u2, u1, s), W::shl_pair(u1, u0, s), d0, v);
        let (q0, r) = div_2_by_1(r, W::shl_pair(u0, W::ZERO, s), d0, v);
        return Some((W::join(q1, q0), r != W::ZERO));
    }
    let s = d1.leading_zeros();
    let d = W::join(W::shl_pair(d1, d0, s), W::shl_pair(d0, W::ZERO, s));
    let v = reciprocal_2::<W>(d);
    let top = W::join(W::shl_pair(u3, u2, s), W::shl_pair(u2, u1, s));
    let (q1, r) = div_3_by_2(top, W::shl_pair(u1, u0, s), d, v);
    let (q0, r) = div_3_by_2(r, W::shl_pair(u0, W::ZERO, s), d, v);
    Some((W::join(q1, q0), r != W::join(W::ZERO, W::ZERO)))
}

/// Divides five words by three. `None` if the divisor is zero or the quotient needs more than two words.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn div_5_by_3<W: Word>(u: [W; 5], d: [W; 3]) -> Option<Quotient<W>> {
    let [u0, u1, u2, u3, u4] = u;
    let [d0, d1, d2] = d;
    if (u4, W::join(u3, u2)) >= (d2, W::join(d1, d0)) {
        return None;
    }
    if d2 == W::ZERO {
        return div_4_by_2([u0, u1, u2, u3], W::join(d1, d0));
    }
    let s = d2.leading_zeros();
    let top = W::join(W::shl_pair(d2, d1, s), W::shl_pair(d1, d0, s));
    let bottom = W::shl_pair(d0, W::ZERO, s);
    let v = reciprocal_2::<W>(top);
    let high = [W::shl_pair(u2, u1, s), W::shl_pair(u3, u2, s), W::shl_pair(u4, u3, s)];
    let (q1, r) = div_step_3(high, W::shl_pair(u1, u0, s), top, bottom, v);
    let (q0, r) = div_step_3(r, W::shl_pair(u0, W::ZERO, s), top, bottom, v);
    Some((W::join(q1, q0), r != [W::ZERO; 3]))
}

/// One word of a quotient by three words: divides `(u, u0)` by `(top, bottom)`, which is above `u`.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
fn div_step_3<W: Word>(u: [W; 3], u0: W, top: W::Double, bottom: W, v: W) -> (W, [W; 3]) {
    let [ua, ub, uc] = u;
    let (mut q, r) = if W::join(uc, ub) >= top {
        // Equal, as u is below the divisor: the quotient by the top words alone would be 2^BITS.
        // With q = 2^BITS - 1 the rest is (ua + top) in three words, of which the third can only be one.
        let (sum, carry) = ua.add(W::low(top));
        let (high, overflow) = W::high(top).add_carry(W::ZERO, carry);
        let r = W::join(high, sum);
        if overflow {
            // The rest is at least 2^(2 * BITS), so subtracting q * bottom cannot borrow.
            let t = W::MAX.wide_mul(bottom);
            let (r0, borrow) = u0.sub(W::low(t));
            let (r1, borrow) = W::low(r).sub_borrow(W::high(t), borrow);
            let (r2, _) = W::high(r).sub_borrow(W::ZERO, borrow);
            return (W::MAX, [r0, r1, r2]);
        }
        (W::MAX, r)
    } else {
        div_3_by_2(W::join(uc, ub), ua, top, v)
    };
    let t = q.wide_mul(bottom);
    let (mut r0, borrow) = u0.sub(W::low(t));
    let (mut r1, borrow) = W::low(r).sub_borrow(W::high(t), borrow);
    let (mut r2, mut borrow) = W::high(r).sub_borrow(W::ZERO, borrow);
    while borrow {
        // At most twice: the quotient by the top two words is at most two too large.
        q = q.sub(W::ONE).0;
        let (s0, carry) = r0.add(bottom);
        let (s1, carry) = r1.add_carry(W::low(top), carry);
        let (s2, carry) = r2.add_carry(W::high(top), carry);
        (r0, r1, r2) = (s0, s1, s2);
        borrow = !carry;
    }
    (q, [r0, r1, r2])
}

/// Adds `a * b` to `sum`, row by row. Each row ends in a word of `sum` that is still zero: it has room for both lengths,
/// and before it nothing longer was added.
#[inline(always)]
pub(crate) fn mul_rows<W: Word, const N: usize>(sum: &mut [W], a: &[W], b: &[W; N]) {
    for (i, &x) in a.iter().enumerate() {
        let Some((row, [end, ..])) = sum.get_mut(i..).and_then(|rest| rest.split_first_chunk_mut::<N>())
        else {
            return;
        };
        let mut carry = W::ZERO;
        for (word, &y) in row.iter_mut().zip(b) {
            let product = x.mul_add2(y, *word, carry);
            *word = W::low(product);
            carry = W::high(product);
        }
        *end = carry;
    }
}

/// Shifts left by less than a word; the top bits fall out.
#[inline(always)]
fn shl<W: Word>(words: &mut [W], bits: u32) {
    let mut below = W::ZERO;
    for word in words {
        let next = *word;
        *word = W::shl_pair(next, below, bits);
        below = next;
    }
}

/// Long division (Knuth 4.3.1, algorithm D). Divides `u` by `d` and leaves the quotient in `quotient`; afterwards
/// `u` holds the remainder, shifted, so that only whether it is zero means something. `d` is normalised in place.
/// `None` if the divisor is zero or the quotient is longer than its room. The top word of `u` must be zero.
pub(crate) fn div_long<W: Word>(u: &mut [W], d: &mut [W], quotient: &mut [W]) -> Option<()> {
    quotient.fill(W::ZERO);
    let length = d.iter().rposition(|word| *word != W::ZERO)?.checked_add(1)?;
    let d = d.get_mut(..length)?;
    let bits = d.last()?.leading_zeros();
    shl(d, bits);
    shl(u, bits);
    let d1 = *d.last()?;
    let steps = u.len().saturating_sub(length);
    if let [only] = d {
        let v = only.reciprocal();
        let (&mut mut r, rest) = u.split_last_mut()?;
        for (i, word) in rest.iter_mut().enumerate().rev() {
            let (q, next) = div_2_by_1(r, *word, *only, v);
            put(quotient, i, q)?;
            *word = W::ZERO;
            r = next;
        }
        *u.first_mut()? = r;
        return Some(());
    }
    let d0 = *d.get(length.checked_sub(2)?)?;
    let top = W::join(d1, d0);
    let v = reciprocal_2::<W>(top);
    for i in (0..steps).rev() {
        let window = u.get_mut(i..=i.checked_add(length)?)?;
        let [.., u0, u1, u2] = *window else { return None };
        let mut q = if W::join(u2, u1) >= top { W::MAX } else { div_3_by_2(W::join(u2, u1), u0, top, v).0 };
        if q == W::ZERO {
            continue;
        }
        if sub_mul(window, d, q) {
            q = q.sub(W::ONE).0;
            add_back(window, d);
        }
        put(quotient, i, q)?;
    }
    Some(())
}

/// Stores a word of a quotient; beyond its room only zero can be stored.
#[inline(always)]
fn put<W: Word>(quotient: &mut [W], index: usize, word: W) -> Option<()> {
    match quotient.get_mut(index) {
        Some(place) => *place = word,
        None if word == W::ZERO => {}
        None => return None,
    }
    Some(())
}

/// Subtracts `d * q` from `window`, which is one word longer; says whether that borrowed.
#[inline(always)]
fn sub_mul<W: Word>(window: &mut [W], d: &[W], q: W) -> bool {
    let mut carry = W::ZERO;
    let mut borrow = false;
    let mut window = window.iter_mut();
    for (&y, word) in d.iter().zip(&mut window) {
        let t = q.mul_add2(y, carry, W::ZERO);
        carry = W::high(t);
        (*word, borrow) = word.sub_borrow(W::low(t), borrow);
    }
    if let Some(word) = window.next() {
        (*word, borrow) = word.sub_borrow(carry, borrow);
    }
    borrow
}

/// Adds `d` to `window`, which is one word longer; the carry cancels the borrow before it.
#[inline(always)]
fn add_back<W: Word>(window: &mut [W], d: &[W]) {
    let mut carry = false;
    let mut window = window.iter_mut();
    for (&y, word) in d.iter().zip(&mut window) {
        (*word, carry) = word.add_carry(y, carry);
    }
    if let Some(word) = window.next() {
        (*word, _) = word.add_carry(W::ZERO, carry);
    }
}
