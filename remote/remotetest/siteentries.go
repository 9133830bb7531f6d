package remotetest

import "fmt"

// siteEntries is the sample site, each directory before what it holds.
func siteEntries() []siteEntry {
	var site []siteEntry
	add := func(mode uint32, names ...string) {
		for _, name := range names {
			site = append(site, siteEntry{name: name, mode: mode})
		}
	}

	// The top: the usual files, and secrets in the open.
	add(0o644, "index.php", "license.txt", "readme.html", "wp-activate.php", "wp-blog-header.php",
		"wp-comments-post.php", "wp-cron.php", "wp-links-opml.php", "wp-load.php", "wp-login.php",
		"wp-mail.php", "wp-settings.php", "wp-signup.php", "wp-trackback.php", "robots.txt")
	add(0o755, "xmlrpc.php")              // a program by accident
	add(0o644, ".htaccess")               // as it should be
	add(0o666, "wp-config.php")           // anyone may write the site's password
	add(0o644, ".env", ".htpasswd")       // anyone may read it
	add(0o600, "favicon.ico")             // nobody can see it
	add(0o606, "google-site-verify.html") // open to others, closed to the group

	add(0o755, ".git/")
	add(0o644, ".git/HEAD", ".git/config")
	add(0o755, ".ssh/")
	add(0o664, ".ssh/authorized_keys")

	// Programs that run as their owner, whoever calls them.
	add(0o755, "cgi-bin/")
	add(0o4755, "cgi-bin/report.cgi")
	add(0o2755, "cgi-bin/mailer.cgi")

	add(0o755, "wp-admin/")
	add(0o644, "wp-admin/index.php", "wp-admin/admin.php", "wp-admin/admin-ajax.php", "wp-admin/edit.php",
		"wp-admin/options.php", "wp-admin/plugins.php", "wp-admin/users.php")
	add(0o600, "wp-admin/.htaccess") // the server cannot read it: 403 for all of wp-admin
	add(0o700, "wp-admin/css/")      // and here it cannot even enter
	add(0o644, "wp-admin/css/login.css", "wp-admin/css/.htaccess")
	add(0o755, "wp-admin/js/")
	add(0o644, "wp-admin/js/common.js", "wp-admin/js/editor.js")

	// An unpacked archive: many alike.
	add(0o755, "wp-includes/")
	add(0o644, "wp-includes/version.php", "wp-includes/functions.php", "wp-includes/plugin.php")
	add(0o777, "wp-includes/blocks/")
	for _, block := range []string{"archives", "avatar", "block", "button", "calendar", "categories", "comments",
		"cover", "gallery", "heading", "image", "latest-posts", "list", "navigation", "search", "shortcode"} {
		add(0o666, fmt.Sprintf("wp-includes/blocks/%s.php", block))
	}

	add(0o755, "wp-content/")
	add(0o644, "wp-content/index.php")
	add(0o755, "wp-content/themes/", "wp-content/themes/garden/")
	add(0o644, "wp-content/themes/garden/style.css", "wp-content/themes/garden/functions.php", "wp-content/themes/garden/index.php")
	add(0o664, "wp-content/themes/garden/theme.json")
	site = append(site, siteEntry{name: "wp-content/themes/current", link: "garden"})

	add(0o755, "wp-content/plugins/", "wp-content/plugins/contact-form/")
	add(0o644, "wp-content/plugins/index.php", "wp-content/plugins/contact-form/contact-form.php")
	add(0o640, "wp-content/plugins/contact-form/readme.txt")
	add(0o775, "wp-content/plugins/backup/")
	add(0o644, "wp-content/plugins/backup/backup.php", "wp-content/plugins/backup/site-backup.sql")

	add(0o777, "wp-content/uploads/", "wp-content/uploads/2025/", "wp-content/uploads/2025/01/", "wp-content/uploads/2025/02/")
	add(0o666, "wp-content/uploads/2025/01/team.jpg", "wp-content/uploads/2025/01/office.jpg")
	add(0o644, "wp-content/uploads/2025/02/Summer party – menu ☀.pdf")
	add(0o666, "wp-content/uploads/2025/02/invoice\x1b[31m.pdf") // a name that would paint a terminal
	add(0o1777, "wp-content/cache/")                             // like /tmp: each may delete only their own
	add(0o644, "wp-content/cache/page.html")
	add(0o2755, "wp-content/shared/") // setgid on a directory is a choice, and stays
	add(0o644, "wp-content/shared/notes.txt")
	site = append(site, siteEntry{name: "wp-content/debug.pipe", mode: 0o644, fifo: true})

	// Its owner cannot list it: what is inside shows only once it is repaired.
	add(0o300, "wp-content/upgrade/")
	add(0o777, "wp-content/upgrade/core/")
	add(0o666, "wp-content/upgrade/core/update.php", "wp-content/upgrade/maintenance.php")
	return site
}
