use std::time::Instant;

use stateright::Checker as _;

use super::{
    Does::{Alone, Decline, SaveAgain, Write},
    *,
};

fn scenes(members: &[[Does; 3]], of: Scene) -> Vec<Scene> {
    members.iter().map(|members| Scene { members: members.to_vec(), ..of.clone() }).collect()
}

/// Explores every state, and checks that there are more than `least`.
fn explore(scenes: Vec<Scene>, least: usize) {
    let (begun, count) = (Instant::now(), scenes.len());
    let checker = Line { scenes }.checker().spawn_bfs().join();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    println!("{count} scenes, {states} states, {depth} steps, {:?}", begun.elapsed());
    for (name, path) in checker.discoveries() {
        let view = path.last_state().view.clone();
        println!("VIOLATED: {name}: {:?}\n  {view:?}", path.into_actions());
    }
    checker.assert_properties();
    assert!(states > least, "{states}");
}

#[test]
fn three_writers_agree_while_another_process_writes() {
    let members = [[Write; 3], [Write, Alone, Write], [Alone, Write, Alone], [Write, Write, Decline]];
    explore(scenes(&members, Scene { writes: 1, ..Scene::default() }), 4_000);
}

#[test]
fn three_writers_agree_where_a_call_fails() {
    let members = [[Write, Alone, Write], [SaveAgain, Write, Decline]];
    explore(scenes(&members, Scene { faults: 1, ..Scene::default() }), 3_000);
}

#[test]
fn three_writers_agree_where_a_request_is_given_up() {
    let members = [[Write; 3], [Write, Alone, Write]];
    explore(scenes(&members, Scene { drops: 1, ..Scene::default() }), 1_000);
}

#[test]
fn three_writers_agree_where_a_runtime_dies_with_the_call_that_it_drives() {
    explore(scenes(&[[Write; 3], [Write, Alone, Write]], Scene { dies: true, ..Scene::default() }), 1_000);
}

#[test]
fn three_writers_agree_where_the_session_is_deleted() {
    explore(scenes(&[[Write; 3], [Write, Alone, Write]], Scene { deletes: true, ..Scene::default() }), 500);
}

#[test]
fn three_writers_agree_where_a_turn_is_not_taken() {
    explore(scenes(&[[Write; 3]], Scene { idles: 1, ..Scene::default() }), 100);
}

/// Checks that the model finds `bug`, as a violation of this property.
fn finds(bug: Bug, mut scene: Scene, violated: &'static str) {
    scene.bug = Some(bug);
    let checker = Line { scenes: vec![scene] }.checker().spawn_bfs().join();
    let path = checker.discovery(violated).unwrap_or_else(|| panic!("{bug:?} is not found by {violated:?}"));
    println!("{bug:?}: {violated}: {:?}", path.into_actions());
}

#[test]
fn finds_a_combined_write_that_drops_a_change() {
    finds(Bug::DropsAChange, Scene { members: vec![Write; 3], ..Scene::default() }, KEPT);
}

#[test]
fn finds_a_driver_that_is_dropped_in_flight() {
    finds(Bug::LeavesRiders, Scene { members: vec![Write; 2], dies: true, ..Scene::default() }, ENDS);
}

#[test]
fn finds_a_decision_on_a_record_that_was_never_stored() {
    finds(Bug::TrustsTheBatch, Scene { members: vec![Write, Write, Decline], ..Scene::default() }, STORED);
}

#[test]
fn finds_an_operation_of_unknown_outcome_that_is_applied_again() {
    finds(Bug::AppliesAgain, Scene { members: vec![SaveAgain], faults: 1, ..Scene::default() }, ONCE);
}
