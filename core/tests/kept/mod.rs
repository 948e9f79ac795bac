//! Values that borrow, made where nothing would hold what they borrow.

/// Keeps a value for as long as the tests run.
pub fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}
