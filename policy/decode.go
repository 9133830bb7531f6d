package policy

import (
	"slices"
	"time"
)

// ParseDocument reads one policy file, without what it extends. name stands in
// messages and in positions. The error, if any, is Problems with all that is
// wrong, in the order of the file.
func ParseDocument(name string, src []byte) (*Document, error) {
	t, err := readTree(name, src)
	if err != nil {
		return nil, err
	}
	if err := validate(t); err != nil {
		return nil, err
	}
	d := decoder{doc: &Document{Name: name}}
	d.document(t)
	if len(d.problems) > 0 {
		return nil, d.problems.sorted()
	}
	return d.doc, nil
}

// decoder turns a tree that the schema accepts into a Document, and checks what
// a schema cannot say.
type decoder struct {
	doc      *Document
	problems Problems
}

func (d *decoder) refuse(at Position, format string, args ...any) {
	d.problems = append(d.problems, at.problem(format, args...))
}

func (d *decoder) document(t *tree) {
	doc := d.doc
	doc.Description = text(t.get("description"))
	doc.Layer = parseLayer(text(t.get("layer")))
	for _, item := range itemsOf(t.get("extends")) {
		doc.Extends = append(doc.Extends, Ref{item.pos, text(item)})
	}
	d.web(t.get("web"))
	doc.GroupWrites = truth(t.get("group-writes"))
	if roles := t.get("roles"); roles != nil {
		for _, f := range roles.fields {
			doc.Roles = append(doc.Roles, Role{f.pos, f.name, d.patterns(f.value)})
		}
	}
	for _, item := range itemsOf(t.get("expect")) {
		doc.Expect = append(doc.Expect, d.expectation(item))
	}
	if severities := t.get("severity"); severities != nil {
		for _, f := range severities.fields {
			d.severity(f)
		}
	}
	for _, item := range itemsOf(t.get("ignore")) {
		doc.Ignore = append(doc.Ignore, d.ignore(item))
	}
}

// text, truth and itemsOf take nil for a key that is not there.
func text(t *tree) string {
	if t == nil {
		return ""
	}
	s, _ := t.value.(string)
	return s
}

func truth(t *tree) bool { return t != nil && t.value == true }

func itemsOf(t *tree) []*tree {
	if t == nil {
		return nil
	}
	return t.items
}

// oneOrMore gives the items of a list, or the value that stands for a list of
// one.
func oneOrMore(t *tree) []*tree {
	if t == nil {
		return nil
	}
	if _, list := t.value.([]any); list {
		return t.items
	}
	return []*tree{t}
}

func (d *decoder) web(t *tree) {
	if t == nil {
		return
	}
	if users := d.accounts(t.get("user")); len(users) > 0 {
		d.doc.Web.User = users[0]
	}
	d.doc.Web.Groups = d.accounts(t.get("groups"))
	d.doc.Web.PHP = text(t.get("php"))
	if d.doc.Web.Groups != nil && !d.doc.Web.User.Exists {
		d.refuse(t.get("groups").pos, "groups without a user: they are those of the web server's user")
	}
}

func (d *decoder) accounts(t *tree) []Account {
	var out []Account
	for _, item := range oneOrMore(t) {
		a := Account{Pos: item.pos, Exists: true, Name: text(item)}
		if n, number := item.value.(float64); number {
			a.ID = uint32(n)
		}
		out = append(out, a)
	}
	return out
}

func (d *decoder) patterns(t *tree) []Pattern {
	var out []Pattern
	for _, item := range oneOrMore(t) {
		glob := text(item)
		if err := ValidatePattern(glob); err != nil {
			d.refuse(item.pos, "%q: %v", glob, err)
		}
		out = append(out, Pattern{item.pos, glob})
	}
	return out
}

func (d *decoder) expectation(t *tree) *Expectation {
	e := &Expectation{Pos: t.pos, Patterns: d.patterns(t.get("path")), Role: text(t.get("role")),
		Files: d.modes(t.get("files"), KindFile), Dirs: d.modes(t.get("dirs"), KindDir),
		Owner: d.accounts(t.get("owner")), Group: d.accounts(t.get("group")),
		Secret: truth(t.get("secret")), Why: text(t.get("why"))}
	switch {
	case e.Patterns == nil && e.Role == "":
		d.refuse(t.pos, "a line of expect without path: which entries does it speak of?")
	case e.Patterns != nil && e.Role != "":
		d.refuse(t.get("role").pos, "a line of expect has path or role, not both")
	case e.Files == nil && e.Dirs == nil && e.Owner == nil && e.Group == nil && !e.Secret:
		d.refuse(t.pos, "a line of expect says nothing: give it files, dirs, owner, group or secret")
	}
	return e
}

func (d *decoder) modes(t *tree, kind Kind) *Modes {
	if t == nil {
		return nil
	}
	m := &Modes{Pos: t.pos, Want: text(t.get("want")), Require: text(t.get("require")), Forbid: text(t.get("forbid"))}
	for _, item := range itemsOf(t.get("allow")) {
		m.Allow = append(m.Allow, text(item))
		d.plainFile(item, kind)
	}
	d.plainFile(t.get("want"), kind)
	if m.Want != "" && m.Require+m.Forbid != "" {
		d.refuse(t.pos, "either exact modes (want, allow) or bits (require, forbid), not both")
	}
	d.bits(t, kind)
	return m
}

// plainFile refuses setuid and setgid on files: setid-file would take them away
// again.
func (d *decoder) plainFile(t *tree, kind Kind) {
	if t == nil || kind != KindFile {
		return
	}
	if m, err := ParseMode(text(t)); err == nil && m&setIDBits != 0 {
		d.refuse(t.pos, "%s: no file is to have setuid or setgid, and setid-file takes them away", text(t))
	}
}

func (d *decoder) bits(t *tree, kind Kind) {
	var bits Bits
	if r := t.get("require"); r != nil {
		var err error
		if bits, err = ParseBits(text(r)); err != nil {
			d.refuse(r.pos, "require: %v", err)
		} else if kind == KindFile && bits.Set&setIDBits != 0 {
			d.refuse(r.pos, "require: no file is to have setuid or setgid, and setid-file takes them away")
		}
	}
	if f := t.get("forbid"); f != nil {
		forbidden, err := ParseForbidden(text(f))
		if err != nil {
			d.refuse(f.pos, "forbid: %v", err)
		} else if both := forbidden & bits.Set; both != 0 {
			d.refuse(f.pos, "forbid: the bits %v are required too", both)
		}
	}
}

func (d *decoder) severity(f field) {
	d.ruleID(f.pos, f.name)
	s, err := ParseSeverity(text(f.value))
	if err != nil {
		d.refuse(f.value.pos, "%v", err)
	}
	d.doc.Severities = append(d.doc.Severities, RuleSeverity{f.pos, f.name, s})
}

func (d *decoder) ruleID(at Position, id string) {
	ids := ruleIDs()
	if !slices.Contains(ids, id) {
		d.refuse(at, "%v", unknownRule(id, ids))
	}
}

func ruleIDs() []string {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

func (d *decoder) ignore(t *tree) *Ignore {
	i := &Ignore{Pos: t.pos, Patterns: d.patterns(t.get("path")), Reason: text(t.get("reason")), Until: text(t.get("until"))}
	for _, item := range itemsOf(t.get("rules")) {
		d.ruleID(item.pos, text(item))
		i.Rules = append(i.Rules, text(item))
	}
	if i.Until != "" {
		if _, err := time.Parse(time.DateOnly, i.Until); err != nil {
			d.refuse(t.get("until").pos, "until is %q: there is no such day", i.Until)
		}
	}
	if reason := t.get("reason"); isBlank(i.Reason) {
		d.refuse(reason.pos, "reason is empty: an ignore says why it is no defect")
	}
	return i
}

func isBlank(s string) bool {
	for _, r := range s {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			return false
		}
	}
	return true
}
