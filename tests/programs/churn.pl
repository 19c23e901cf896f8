# SPDX-License-Identifier: MIT
# Makes, changes and drops strings, arrays and hashes, as often as its argument says; prints what
# came of it.
use strict;
use warnings;

my ($state, %count, @lines, $sum) = (1);
for my $step (1 .. $ARGV[0]) {
    $state = ($state * 1103515245 + 12345) % 2147483648;
    my $word = sprintf('%x', $state) x (1 + $state % 4);
    $count{$word} += $step;
    push @lines, { word => $word, step => $step, parts => [split /7/, $word] };
    if (@lines > 2000) {
        my @sorted = sort { $a->{word} cmp $b->{word} } @lines;
        my $text = join ' ', map { "$_->{word}:@{$_->{parts}}" } @sorted;
        $text =~ s/([0-9])([a-f])/$2$1/g;
        $sum += length($text) + unpack('%32C*', $text);
        @lines = @sorted[0 .. 200];
    }
    if (keys %count > 10000) {
        my @words = sort keys %count;
        delete @count{ @words[0 .. 6000] };
    }
}
my $left = 0;
$left += $count{$_} for keys %count;
print "$sum $left ", scalar(keys %count), " ", scalar(@lines), "\n";
