//! Labels beside the lines they name, moved apart so that none covers another.

/// The upper edges of labels of these heights whose middles are as near as can be to where they are
/// wanted, in their order, none overlapping, all between `top` and `bottom` if there is room.
///
/// `wanted` is (middle, height), sorted by the middle.
pub fn spread_out(wanted: &[(i32, i32)], top: i32, bottom: i32) -> Vec<i32> {
    let mut piles: Vec<Pile> = Vec::new();
    for &(middle, height) in wanted {
        let mut pile = Pile { middle: f64::from(middle), height, count: 1 };
        while let Some(above) =
            piles.pop_if(|above| above.reaches(top, bottom).1 > pile.reaches(top, bottom).0)
        {
            pile = above.and(pile);
        }
        piles.push(pile);
    }
    let mut edges = Vec::with_capacity(wanted.len());
    for pile in &piles {
        let mut edge = pile.reaches(top, bottom).0;
        let first = edges.len();
        for (_, height) in &wanted[first..first + pile.count] {
            edges.push(edge);
            edge += height;
        }
    }
    edges
}

/// Labels that stand on each other, around the mean of where they are wanted.
struct Pile {
    middle: f64,
    height: i32,
    count: usize,
}

impl Pile {
    /// Upper and lower edge, moved into the room there is.
    fn reaches(&self, top: i32, bottom: i32) -> (i32, i32) {
        let wanted = self.middle.round() as i32 - self.height / 2;
        let edge = wanted.min(bottom - self.height).max(top);
        (edge, edge + self.height)
    }

    fn and(self, below: Pile) -> Pile {
        let weighted = self.middle * self.count as f64 + below.middle * below.count as f64;
        let count = self.count + below.count;
        Pile { middle: weighted / count as f64, height: self.height + below.height, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_do_not_touch_stay_where_they_are_wanted() {
        assert_eq!(spread_out(&[(100, 40), (200, 40)], 0, 1000), [80, 180]);
    }

    #[test]
    fn labels_at_one_place_are_moved_apart_around_it() {
        assert_eq!(spread_out(&[(100, 40), (100, 40), (100, 40)], 0, 1000), [40, 80, 120]);
    }

    #[test]
    fn labels_stay_inside() {
        assert_eq!(spread_out(&[(0, 40), (10, 40), (995, 40)], 0, 1000), [0, 40, 960]);
    }
}
