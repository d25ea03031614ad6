# Takes segments of the log from the server that closed them to the node that keeps them: `segments.pl keep FOLDER PORT` there, and
# `segments.pl push HOST PORT PATH NAME` as the archive_command of the servers. As PostgreSQL's manual asks: a name is there whole or not
# at all, what is confirmed is on disk, and no file is replaced by one of other content.
#
# A push is a line `NAME LENGTH`, and so many bytes; the answer is the line `kept`, or why it is not.
use strict;
use warnings;
use IO::Handle;
use IO::Socket::INET;

my $LIMIT = 60; # seconds for one segment

# Not by `die`, whose exit code may be above 125: such a one ends the archiver.
sub fail {
    print STDERR "segments: @_\n";
    exit 1;
}

sub content {
    my ($path) = @_;
    open(my $file, '<:raw', $path) or return undef;
    local $/;
    return scalar <$file>;
}

sub on_disk {
    my ($path) = @_;
    open(my $file, '<', $path) or return 0;
    return $file->sync;
}

sub keep {
    my ($folder, $name, $bytes) = @_;
    $name =~ /^[0-9A-F]{8}(?:\.history|[0-9A-F]{16}(?:\.partial|\.[0-9A-F]{8}\.backup)?)$/
        or return "this is no name of a segment";
    my ($place, $made) = ("$folder/$name", "$folder/.$name.$$");
    unless (-e $place) {
        open(my $file, '>:raw', $made) or return "$made: $!";
        my $whole = print({$file} $bytes) && $file->flush && $file->sync && close($file);
        # Where there is a file of that name by now, this replaces none.
        my $why = $whole && (link($made, $place) || $!{EEXIST}) ? '' : "$made: $!";
        unlink $made;
        return $why if $why;
    }
    my $there = content($place);
    return "another file of the name $name is kept already" unless defined $there && $there eq $bytes;
    return on_disk($place) && on_disk($folder) ? 'kept' : "$place: $!";
}

sub take {
    my ($folder, $peer) = @_;
    alarm $LIMIT;
    my ($name, $length) = (<$peer> // '') =~ /^(\S+) ([0-9]+)\n$/ or exit 1;
    my $bytes = '';
    while (length $bytes < $length) {
        read($peer, $bytes, $length - length $bytes, length $bytes) or exit 1; # it was cut off
    }
    print $peer keep($folder, $name, $bytes), "\n";
    exit 0;
}

sub serve {
    my ($folder, $port) = @_;
    $SIG{$_} = sub { exit 0 } for qw(INT TERM);
    $SIG{CHLD} = 'IGNORE';
    my $door = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or fail("port $port: $@");
    while (1) {
        my $peer = $door->accept or next;
        my $child = fork;
        take($folder, $peer) if defined $child && $child == 0;
        close $peer;
    }
}

sub send_to {
    my ($host, $port, $path, $name) = @_;
    my $bytes = content($path) // fail("$path: $!");
    $SIG{PIPE} = 'IGNORE';
    $SIG{ALRM} = sub { fail("$host did not take $name in $LIMIT s") };
    alarm $LIMIT;
    my $peer = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5) or fail("$host cannot be reached: $@");
    print $peer "$name ", length $bytes, "\n", $bytes;
    $peer->flush;
    my $said = <$peer> // "$host took $name in part\n";
    exit 0 if $said eq "kept\n";
    chomp $said;
    fail("$name: $said");
}

my ($what, @words) = @ARGV;
if ($what eq 'keep') { serve(@words) }
elsif ($what eq 'push') { send_to(@words) }
else { fail("unknown command '$what'") }
