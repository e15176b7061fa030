//! Lock and socket, on a real folder. The conversation with a controller is tested black-box, on the built program.

use super::*;

#[tokio::test]
async fn the_first_owns_the_folder_and_the_next_waits_in_vain_while_nobody_answers() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::at(temp.path());
    let Ok(Entry::Owner(lock)) = enter(&folder, Duration::ZERO).await else { panic!("the folder was free") };
    let problem = enter(&folder, Duration::ZERO).await.unwrap_err();
    assert!(problem.message.contains("does not answer"), "{}", problem.message);
    drop(lock);
    assert!(matches!(enter(&folder, Duration::ZERO).await, Ok(Entry::Owner(_))), "the lock was let go");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_with_a_long_path_has_a_socket_for_its_owner_alone_and_a_stale_one_is_replaced() {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::cli::Door;

    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::at(&temp.path().join("x".repeat(150)));
    folder.prepare().unwrap();
    let socket = folder.path().join("traybell.sock");
    std::fs::write(&socket, b"left behind").unwrap();
    let own = Door::open(&folder).await.unwrap();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o077, 0, "open to others");
    assert!(matches!(enter(&folder, Duration::ZERO).await, Ok(Entry::Running(_))), "it is reached");
    own.close().await;
    assert!(!socket.exists(), "the socket is removed by its owner");
}

#[cfg(unix)]
#[tokio::test]
async fn the_socket_of_whoever_has_made_the_folder_anew_is_left_alone() {
    use crate::cli::Door;

    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::at(&temp.path().join("data"));
    let before = Door::open(&folder).await.unwrap();
    std::fs::remove_dir_all(folder.path()).unwrap();
    let after = Door::open(&folder).await.unwrap();
    before.close().await;
    assert!(matches!(enter(&folder, Duration::ZERO).await, Ok(Entry::Running(_))), "it is still reached");
    after.close().await;
}

#[tokio::test]
async fn a_command_without_the_app_answers_others_and_makes_way_for_the_app() {
    use inbox::View;

    use crate::cli::Door;

    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::at(temp.path());
    let mut own = Door::open(&folder).await.unwrap();
    assert!(own.view().await.unwrap().account.is_none(), "nobody is signed in");

    let Ok(Entry::Running(mut client)) = enter(&folder, Duration::ZERO).await else { panic!("it is not found") };
    let view: View = client.ask(&Request::View).await.unwrap();
    assert!(view.account.is_none());
    let problem = client.ask::<Option<u64>>(&Request::MarkAllRead).await.unwrap_err();
    assert_eq!(problem.code, Code::NotSignedIn, "the controller's own answer comes through");
    client.ask::<()>(&Request::Show { link: None }).await.expect_err("there is no window to show");
    let Door::Own(asked) = &own else { panic!("it has a controller of its own") };
    asked.asked_to_make_way().await;

    client.send(&Request::Watch).await.unwrap();
    assert!(client.next::<View>().await.unwrap().is_some(), "the view comes at once");
    drop(client);
    own.close().await;
    assert!(matches!(enter(&folder, Duration::ZERO).await, Ok(Entry::Owner(_))), "the folder is free again");
}
