//! The page. Maud escapes all values: users write the names and the items.

use std::time::SystemTime;

use cloakroom::OwnedSession;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{reply::Status, shop::Shop};

const STYLE: &str = include_str!("page.css");

pub(crate) fn home(shop: &Shop, status: &Status, sessions: Option<&[OwnedSession]>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "The shop on " (shop.framework) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "The shop" }
                    (siblings(shop))
                }
                main {
                    (greeting(status))
                    @if status.user.is_some() {
                        (cart(&status.cart))
                    }
                    @if let Some(sessions) = sessions {
                        (devices(sessions, status.id.as_deref()))
                    }
                }
                footer {
                    p { "Session " @match &status.id { Some(id) => code { (id) }, None => "not stored yet" } }
                }
            }
        }
    }
}

fn siblings(shop: &Shop) -> Markup {
    html! {
        nav aria-label="Servers" {
            ul {
                @for member in &*shop.members {
                    li {
                        a href=(member.url) aria-current=[(member.framework == shop.framework).then_some("page")] {
                            (member.framework)
                        }
                    }
                }
            }
        }
    }
}

fn greeting(status: &Status) -> Markup {
    let visits = html! {
        p { "Visits in this session, on all servers: " strong { (status.visits) } }
    };
    html! {
        section {
            @match &status.user {
                Some(user) => {
                    h2 { "Hello, " (user) }
                    (visits)
                    div.row {
                        (button("/logout", "Log out here"))
                        (button("/logout-everywhere", "Log out everywhere"))
                    }
                }
                None => {
                    h2 { "Hello" }
                    (visits)
                    form.row method="post" action="/login" {
                        label for="name" { "Your name" }
                        input #name name="name" required maxlength="64" autocomplete="username" autofocus;
                        button { "Log in" }
                    }
                    p.note { "Any name will do. Logged in on one server is logged in on all three." }
                }
            }
        }
    }
}

fn cart(items: &[String]) -> Markup {
    html! {
        section {
            h2 { "Your cart" }
            @if items.is_empty() {
                p.note { "Nothing yet." }
            } @else {
                ol { @for item in items { li { (item) } } }
            }
            form.row method="post" action="/cart" {
                label for="item" { "Item" }
                input #item name="item" required maxlength="64" autocomplete="off";
                button { "Add to cart" }
            }
        }
    }
}

fn devices(sessions: &[OwnedSession], this: Option<&str>) -> Markup {
    html! {
        section {
            h2 { "Your sessions" }
            div.scroll role="region" aria-label="Your sessions" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Session" }
                            th scope="col" { "Logged in on" }
                            th scope="col" { "Made" }
                            th scope="col" { "Last used" }
                            th scope="col" { "Ends" }
                            td {}
                        }
                    }
                    tbody {
                        @for session in sessions { (device(session, this)) }
                    }
                }
            }
            p.note { "Times are UTC." }
        }
    }
}

fn device(session: &OwnedSession, this: Option<&str>) -> Markup {
    let id = session.id.to_string();
    html! {
        tr {
            th scope="row" {
                code { (id) }
                @if this == Some(&*id) { " " span.tag { "this one" } }
            }
            td { (session.label.as_deref().unwrap_or("unknown")) }
            td { (time(session.created_at)) }
            td { (time(session.last_used)) }
            td { (time(session.expires_at)) }
            td {
                form method="post" action={ "/sessions/" (id) "/revoke" } {
                    button aria-label={ "Revoke session " (id) } { "Revoke" }
                }
            }
        }
    }
}

fn button(action: &str, text: &str) -> Markup {
    html! {
        form method="post" action=(action) { button { (text) } }
    }
}

fn time(time: SystemTime) -> Markup {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => html! { time datetime=(time) { (time.strftime("%b %-d, %H:%M:%S")) } },
        // A session without an end expires at a time that calendars cannot show.
        Err(_) => html! { "never" },
    }
}
