use super::*;

fn spread(max_skew: u32, min_domains: u32, own: bool) -> DomainRule {
    DomainRule::Spread(Spread {
        counter: 0,
        max_skew,
        min_domains,
        own,
        eligible: vec![true, true, true, false],
    })
}

/// Only eligible domains count, and with fewer than `minDomains` the smallest count is 0.
#[test]
fn the_excess_of_a_spread_is_what_its_fullest_domain_has_too_much() {
    let table = [
        (1, 0, [2, 1, 1, 9], 0),
        (1, 0, [4, 1, 2, 0], 2),
        (2, 0, [4, 1, 2, 0], 1),
        (1, 4, [2, 1, 1, 0], 1),
    ];
    for (max_skew, min_domains, counts, expected) in table {
        let DomainRule::Spread(spread) = spread(max_skew, min_domains, true) else {
            unreachable!("it is a spread");
        };
        assert_eq!(spread.excess(&counts), expected, "{counts:?}");
    }
}

#[test]
fn pods_are_dealt_so_that_counts_become_level() {
    let all = [true; 4];
    let table = [
        (vec![0, 0, 0], 4, u32::MAX, vec![2, 1, 1]),
        (vec![5, 0, 0], 4, u32::MAX, vec![0, 2, 2]),
        (vec![5, 0, 1], 4, u32::MAX, vec![0, 3, 1]),
        (vec![1, 0, 3], 100, 4, vec![3, 4, 1]),
        (vec![4, 4], 3, 4, vec![0, 0]),
        (vec![0], 3, u32::MAX, vec![3]),
    ];
    for (counts, pods, ceiling, expected) in table {
        let quotas = level(&counts, &all[..counts.len()], pods, ceiling);
        assert_eq!(quotas, expected, "{counts:?} {pods} {ceiling}");
    }
    assert_eq!(level(&[0, 0], &[false, true], 3, 9), [0, 3]);
}

#[test]
fn a_rule_says_how_many_a_domain_may_get() {
    let table = [
        (spread(1, 0, true), [1, 0, 0, 9], [0, 1, 1, 0]),
        (spread(2, 0, true), [1, 0, 0, 9], [1, 2, 2, 0]),
        (spread(1, 4, true), [1, 1, 1, 9], [0, 0, 0, 0]),
        (spread(1, 3, true), [1, 1, 1, 9], [1, 1, 1, 0]),
        (
            spread(1, 0, false),
            [2, 0, 1, 9],
            [0, u32::MAX, u32::MAX, 0],
        ),
        (
            DomainRule::Together { counter: 0 },
            [0, 2, 0, 0],
            [0, u32::MAX, 0, 0],
        ),
        (
            DomainRule::Apart {
                counter: 0,
                own: true,
            },
            [0, 2, 0, 0],
            [1, 0, 1, 1],
        ),
        (
            DomainRule::Apart {
                counter: 0,
                own: false,
            },
            [0, 2, 0, 0],
            [u32::MAX, 0, u32::MAX, u32::MAX],
        ),
    ];
    for (rule, counts, expected) in table {
        let found: Vec<u32> = (0..4).map(|domain| rule.addable(&counts, domain)).collect();
        assert_eq!(found, expected, "{rule:?} {counts:?}");
    }
}
