//! Preparation of batches on another thread while the previous batch trains.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel, sync_channel};
use std::thread;
use std::time::Duration;

use modiste_dataset::{Batch, Batches, MixedLabel};

use crate::error::TrainError;

/// Batches that are in memory at a time: one trains, one is ready, one is being prepared.
pub(crate) const BATCHES_AHEAD: usize = 3;

/// When batches are prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preparation {
    /// Each batch when it is needed, on the thread of the caller.
    InTurn,
    /// On another thread, while the previous batches train.
    Ahead,
}

/// Calls `body` with each batch in order, until it breaks or fails. The batches do not depend on `preparation`.
///
/// # Errors
/// Returns the error of `body`, or of a batch that cannot be read.
///
/// # Panics
/// If `body` or the preparation of a batch panics, with the same payload.
pub(crate) fn for_each_batch(
    mut batches: Batches<'_>,
    preparation: Preparation,
    body: &mut dyn FnMut(&Batch<'_>) -> Result<ControlFlow<()>, TrainError>,
) -> Result<ControlFlow<()>, TrainError> {
    if preparation == Preparation::InTurn {
        while let Some(batch) = batches.next_batch()? {
            if body(&batch)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        return Ok(ControlFlow::Continue(()));
    }
    thread::scope(|scope| {
        let (send_ready, ready) = sync_channel(1);
        // Dropped after `send_free`, whose end is that of the producer.
        let ready = Drained(ready);
        let (send_free, free) = channel();
        for _ in 0..BATCHES_AHEAD {
            send_free
                .send(OwnedBatch::default())
                .expect("`free` receives");
        }
        let producer = scope.spawn(move || {
            // Ends when the consumer has dropped its channels.
            while let Ok(mut owned) = free.recv() {
                let prepared = match batches.next_batch() {
                    Ok(Some(batch)) => {
                        owned.copy_from(&batch);
                        Ok(owned)
                    }
                    Ok(None) => return,
                    Err(error) => Err(error),
                };
                if send_ready.send(prepared).is_err() {
                    return;
                }
            }
        });
        while let Some(prepared) = receive(&ready.0) {
            let owned = prepared?;
            if body(&owned.batch())?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            // The producer has ended if it has prepared the last batch.
            let _ = send_free.send(owned);
        }
        producer
            .join()
            .unwrap_or_else(|payload| resume_unwind(payload));
        Ok(ControlFlow::Continue(()))
    })
}

/// Receiver that waits for the end of its sender when it is dropped, also if the body has failed or panics.
///
/// A thread that waited for the end of the scope instead would execute no tasks, and the producer's augmentation may
/// need this very thread.
struct Drained<T>(Receiver<T>);

impl<T> Drop for Drained<T> {
    fn drop(&mut self) {
        while receive(&self.0).is_some() {}
    }
}

/// Waits for the next element; `None` after the last.
///
/// A thread of a rayon pool executes tasks of the pool meanwhile: augmentation may need this very thread.
fn receive<T>(ready: &Receiver<T>) -> Option<T> {
    /// Longest time without a look at the pool.
    const WAIT: Duration = Duration::from_micros(100);
    if rayon::current_thread_index().is_none() {
        return ready.recv().ok();
    }
    loop {
        match ready.try_recv() {
            Ok(element) => return Some(element),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            match ready.recv_timeout(WAIT) {
                Ok(element) => return Some(element),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Copy of a batch, in buffers that are reused.
#[derive(Debug, Default, PartialEq)]
struct OwnedBatch {
    images: Vec<f32>,
    indices: Vec<usize>,
    labels: Vec<u16>,
    mixed: Option<Vec<MixedLabel>>,
}

impl OwnedBatch {
    fn copy_from(&mut self, batch: &Batch<'_>) {
        self.images.clear();
        self.images.extend_from_slice(batch.images);
        self.indices.clear();
        self.indices.extend_from_slice(batch.indices);
        self.labels.clear();
        self.labels.extend_from_slice(batch.labels);
        self.mixed = batch.mixed.map(<[_]>::to_vec);
    }

    fn batch(&self) -> Batch<'_> {
        Batch {
            images: &self.images,
            indices: &self.indices,
            labels: &self.labels,
            mixed: self.mixed.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use modiste_core::ImageShape;
    use modiste_dataset::Images;
    use rayon::prelude::*;

    use super::*;

    fn images() -> Images {
        let pixels = (0..20).flat_map(|index| [index, 255 - index]).collect();
        Images::new(ImageShape::new(1, 2, 1), pixels, (0..20).collect()).expect("two bytes each")
    }

    /// Augmentation on the threads of the pool.
    fn augment(pixels: &mut [u8]) {
        pixels
            .par_chunks_mut(2)
            .for_each(|image| image[0] = image[0].wrapping_mul(3));
    }

    fn augmented(images: &Images) -> Batches<'_> {
        Batches::shuffled(images, 3, 5, 1)
            .map_pixels(|_, pixels| augment(pixels))
            .mix(|indices, labels, _| {
                let images = indices.iter().zip(labels);
                let mixed = images.map(|(&index, &label)| MixedLabel {
                    other: label / 2,
                    place: 0,
                    weight: 1.0 / (index + 1) as f32,
                });
                mixed.collect()
            })
            .random_horizontal_flips(5, 1)
    }

    fn collect(images: &Images, preparation: Preparation) -> Vec<OwnedBatch> {
        let mut all = Vec::new();
        let flow = for_each_batch(augmented(images), preparation, &mut |batch| {
            let mut owned = OwnedBatch::default();
            owned.copy_from(batch);
            all.push(owned);
            Ok(ControlFlow::Continue(()))
        });
        assert_eq!(flow.expect("in memory"), ControlFlow::Continue(()));
        all
    }

    #[test]
    fn batches_do_not_depend_on_preparation() {
        let images = images();
        let expected = collect(&images, Preparation::InTurn);
        assert!(expected.len() == 7 && expected[0].mixed.is_some());
        assert_eq!(collect(&images, Preparation::Ahead), expected);
        // Also on the only thread of a pool.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let found = pool
            .expect("a thread")
            .install(|| collect(&images, Preparation::Ahead));
        assert_eq!(found, expected);
    }

    #[test]
    fn stops_when_the_body_breaks_or_fails() {
        let images = images();
        for preparation in [Preparation::InTurn, Preparation::Ahead] {
            let mut steps = 0;
            let flow = for_each_batch(augmented(&images), preparation, &mut |_| {
                steps += 1;
                Ok(match steps {
                    3 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                })
            });
            assert_eq!(flow.expect("in memory"), ControlFlow::Break(()));
            assert_eq!(steps, 3);
            let failed = for_each_batch(augmented(&images), preparation, &mut |_| {
                let problem = "the body fails".into();
                Err(TrainError::Config { problem })
            });
            assert_eq!(failed.expect_err("failed").to_string(), "the body fails");
        }
    }

    #[test]
    fn stops_on_the_only_thread_of_a_pool() {
        let images = images();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.expect("a thread");
        type End = fn() -> Result<ControlFlow<()>, TrainError>;
        let ends: [End; 3] = [
            || Ok(ControlFlow::Break(())),
            || {
                let problem = "the body fails".into();
                Err(TrainError::Config { problem })
            },
            || panic!("the body"),
        ];
        for end in ends {
            let run = || for_each_batch(augmented(&images), Preparation::Ahead, &mut |_| end());
            let ended = pool.install(|| catch_unwind(AssertUnwindSafe(run)));
            assert!(!matches!(ended, Ok(Ok(ControlFlow::Continue(())))));
        }
    }

    #[test]
    fn panics_propagate() {
        let images = images();
        for preparation in [Preparation::InTurn, Preparation::Ahead] {
            let panicking = Batches::in_order(&images, 3)
                .map_pixels(|indices, _| assert!(indices[0] < 6, "image {}", indices[0]));
            let mut steps = 0;
            let mut count = |_: &Batch<'_>| {
                steps += 1;
                Ok(ControlFlow::Continue(()))
            };
            let run = AssertUnwindSafe(|| for_each_batch(panicking, preparation, &mut count));
            let payload = catch_unwind(run).expect_err("a panic");
            let message = payload.downcast_ref::<String>().expect("a message");
            assert!(message.contains("image 6"), "{message}");
            assert_eq!(steps, 2);
            let run = AssertUnwindSafe(|| {
                for_each_batch(augmented(&images), preparation, &mut |_| panic!("the body"))
            });
            assert!(catch_unwind(run).is_err());
        }
    }
}
