package policy

import "slices"

// Rules lists everything that can be checked, in the order in which a person
// reads about it. Each call builds the list anew.
func Rules() []*Rule {
	return append([]*Rule{
		{
			ID:       "dir-mode",
			Title:    "a directory whose mode is not 0755",
			Severity: Medium,
			Doc: "Where a directory lets its group or others write, another account on the server can add files to the site " +
				"or replace those that are there (medium). " +
				"Where it is tighter than 0755 and the web server lacks the search bit, visitors get 403 Forbidden for everything below it (low). " +
				"A repair sets the nine permission bits to 0755, or to what the policy wants, and keeps setuid, setgid and sticky. " +
				"A directory that is private on purpose is for a profile, such as nextcloud, or a policy file.",
			Check: checkDirMode,
		},
		{
			ID:       "file-mode",
			Title:    "a file whose mode is not 0644",
			Severity: Medium,
			Doc: "Where a file lets its group or others write, another account on the server can change what the site serves or runs (medium). " +
				"Where the web server cannot read it, visitors get 403 Forbidden (low); execute bits are low too. " +
				"A repair sets the nine permission bits to 0644, or to what the policy wants; a known secret (a key, .env, wp-config.php and the like) may be tighter and is never loosened. " +
				"A program keeps its execute bits: what begins with #! or as an ELF program does, and what lies in a directory called bin or cgi-bin.",
			Check: checkFileMode,
		},
		{
			ID:       "world-writable",
			Title:    "anyone on the server can write to it",
			Severity: Critical,
			Doc: "Every account on the server, also that of another site which was broken into, can change the file, " +
				"or put its own script into the directory, and have the site run it. " +
				"In a sticky directory others can add files but not replace those that are there (medium). " +
				"suEXEC refuses to run such scripts, and visitors get 500. " +
				"A repair takes the write bit from others; FIFOs, sockets and devices are only reported, and so is a directory in which PHP, as the web server, can write by that bit alone.",
			Check: checkWorldWritable,
		},
		{
			ID:       "htaccess-unreadable",
			Title:    "the web server cannot read an .htaccess",
			Severity: High,
			Doc: "Apache answers 403 Forbidden to every request for a directory whose .htaccess it cannot read, and for everything below; " +
				"the file's own bits can be the cause, or a directory above it without the search bit, or that it is no file but a directory. " +
				"As long as nobody says who it runs as, the web server counts as one of the others; " +
				"if it does, the owner's bits decide for the owner, the group's for the group, as in the kernel. " +
				"A repair adds the read bits; a directory in the way is named, and dir-mode repairs it.",
			Check: checkHtaccess,
		},
		{
			ID:       "setid-file",
			Title:    "a file that runs with its owner's or group's rights",
			Severity: High,
			Doc: "With setuid or setgid, whoever starts the program gets the rights of its owner or group: " +
				"in a web root, that hands this account to every other one on the server. " +
				"suEXEC refuses to run such a script, and visitors get 500. " +
				"A repair clears both bits.",
			Check: checkSetID,
		},
		{
			ID:       "secret-exposed",
			Title:    "a secret that others can read",
			Severity: High,
			Doc: "Every other account on the server can read the passwords or keys in it, and a visitor may be able to fetch a file such as .env or id_rsa (high). " +
				"A configuration file in PHP is run rather than sent, so that only the other accounts remain (medium), as they do where a secret's group has members besides the web server and the owner (medium). " +
				"What a version control system keeps (.git, .svn), and backups in the web root itself (.sql, .bak, .zip), are for nobody to fetch (high; medium for .zip), and where the web server runs as the account, no mode keeps it from a file such as .env (medium): out of the web root is where these belong, or the web server has to deny them. " +
				"Where the web server reads the file as another user, taking the bit away takes the site down, so nothing is proposed " +
				"until a profile such as cpanel or shared-suexec says that PHP runs as the owner of the files; chmod 600 is right then.",
			Check: checkSecret,
		},
		{
			ID:       "special-file",
			Title:    "a FIFO, socket or device",
			Severity: Medium,
			Doc: "A site's files are regular files and directories. " +
				"A device gives access to what is behind it, and a program that opens a FIFO waits until another one opens its other end. " +
				"It is only reported: hostperm never opens or changes one.",
			Check: checkSpecial,
		},
		{
			ID:       "mode-unknown",
			Title:    "the server did not report the mode",
			Severity: Medium,
			Doc: "Without the mode or the type of an entry none of the other rules can look at it, so it may have any defect that they describe. " +
				"Nothing is proposed: what is not known is not changed. " +
				"Look at it by other means, such as the host's file manager.",
			Check: checkUnknown,
		},
	}, slices.Concat(ownerRules(), linkRules(), reachRules())...)
}
