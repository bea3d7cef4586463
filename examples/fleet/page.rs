//! The page. Maud escapes all values: users write the names and the items.

use std::time::SystemTime;

use cloakroom::OwnedSession;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{reply::Status, servers::Member, shop::Shop};

const STYLE: &str = include_str!("page.css");

pub(crate) fn home(
    shop: &Shop,
    status: &Status,
    sessions: Option<&[OwnedSession]>,
    calls: &[&str],
    device: Option<[SystemTime; 2]>,
) -> Markup {
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
                p.lead { (lead(shop)) }
                header {
                    h1 { "The shop" }
                    (siblings(shop))
                }
                main {
                    (greeting(shop, status))
                    @if status.user.is_some() {
                        (cart(&status.cart))
                    }
                    @if let Some(sessions) = sessions {
                        (devices(sessions, status.id.as_deref()))
                    }
                }
                footer {
                    p { "Session " @match &status.id { Some(id) => code { (id) }, None => "not stored yet" } }
                    @if let Some([bound, proved]) = device {
                        p #device {
                            "Bound to this device at " (time(bound)) ", proved at " (time(proved))
                            ": a copy of the cookies works for 10 minutes at most."
                        }
                    }
                    p.calls { (made(calls)) }
                }
            }
        }
    }
}

fn lead(shop: &Shop) -> Markup {
    let last = shop.members.len().saturating_sub(1);
    html! {
        "Three servers in three frameworks share one set of sessions: "
        @for (at, member) in shop.members.iter().enumerate() {
            @if at > 0 { @if at == last { " and " } @else { ", " } }
            (member.framework) " on port " (member.port)
        }
        "."
    }
}

/// A request that does not use its session makes no call.
fn made(calls: &[&str]) -> Markup {
    html! {
        @if !calls.is_empty() {
            "The last request of this session made " (calls.len()) " store " @if calls.len() == 1 { "call" } @else { "calls" }
            ": " (calls.join(", ")) ". "
        }
        "A request that does not use its session, such as " a href="/health" { "/health" } ", makes 0."
    }
}

/// The server after this one.
fn next(shop: &Shop) -> Option<&Member> {
    let at = shop.members.iter().position(|member| member.framework == shop.framework)?;
    shop.members.iter().cycle().nth(at + 1)
}

fn siblings(shop: &Shop) -> Markup {
    html! {
        nav aria-label="Servers" {
            ul {
                @for member in &*shop.members {
                    li {
                        a href=(member.url) aria-current=[(member.framework == shop.framework).then_some("page")] {
                            (member.framework) " " small { ":" (member.port) }
                        }
                    }
                }
            }
        }
    }
}

fn greeting(shop: &Shop, status: &Status) -> Markup {
    let visits = html! {
        p { "Visits in this session, on all servers: " strong { (status.visits) } }
    };
    html! {
        section {
            @match &status.user {
                Some(user) => {
                    h2 { "Hello, " (user) }
                    (visits)
                    @if let Some(next) = next(shop) {
                        p.hint {
                            "Now open " a href=(next.url) { "the shop on " (next.framework) } ": you are logged in there, too."
                        }
                    }
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
            td data-label="Logged in on" { (session.label.as_deref().unwrap_or("unknown")) }
            td data-label="Made" { (time(session.created_at)) }
            td data-label="Last used" { (time(session.last_used)) }
            td data-label="Ends" { (time(session.expires_at)) }
            td.act {
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
