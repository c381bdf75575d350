use super::Seat;
use super::name::{Bound, bind};

#[test]
fn one_copy_shares_a_seat_and_another_waits_until_the_last_has_risen() {
    let file = (u64::MAX, 1);
    let seats = [Seat::take(file), Seat::take(file)];
    assert!(seats.iter().all(Option::is_some));
    let other_copy = || matches!(bind(file), Bound::Ours(_));
    assert!(matches!(bind(file), Bound::OtherCopys));
    let [first, last] = seats;
    drop(first);
    assert!(matches!(bind(file), Bound::OtherCopys));
    drop(last);
    assert!(other_copy());
}

#[test]
fn none_is_given_while_another_copy_sits_there() {
    let file = (u64::MAX, 2);
    let Bound::Ours(other) = bind(file) else { panic!("nobody has it") };
    assert!(Seat::take(file).is_none());
    assert!(Seat::take((u64::MAX, 3)).is_some());
    drop(other);
    assert!(Seat::take(file).is_some());
}
